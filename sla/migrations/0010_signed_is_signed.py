"""What was signed stays as it is: the database refuses any change of it, whoever asks. One open draft per agreement."""

from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION sla_is_signed(agreement bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM sla_signature s WHERE s.agreement_id = agreement)
$$;

CREATE FUNCTION sla_is_signed_definition(definition bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM sla_agreement a JOIN sla_signature s ON s.agreement_id = a.id WHERE a.definition_id = definition)
$$;

CREATE FUNCTION sla_refuse_signed() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'This agreement is signed: what was signed cannot be changed.' USING ERRCODE = 'check_violation';
END $$;

-- An agreement moves on (in force, superseded, ended); its words, and all that they stand for, do not.
CREATE FUNCTION sla_keep_signed_agreement() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text[] := ARRAY['status', 'in_force_from', 'in_force_until'];
BEGIN
    IF sla_is_signed(OLD.id) THEN
        IF TG_OP = 'DELETE' THEN
            PERFORM sla_refuse_signed();
        ELSIF NEW.status = 'draft' OR to_jsonb(NEW) - moves IS DISTINCT FROM to_jsonb(OLD) - moves THEN
            PERFORM sla_refuse_signed();
        END IF;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION sla_keep_signed_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND sla_is_signed(OLD.agreement_id) THEN
        PERFORM sla_refuse_signed();
    END IF;
    IF TG_OP <> 'DELETE' AND sla_is_signed(NEW.agreement_id) THEN
        PERFORM sla_refuse_signed();
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION sla_keep_signed_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND sla_is_signed((SELECT agreement_id FROM sla_target WHERE id = OLD.target_id)) THEN
        PERFORM sla_refuse_signed();
    END IF;
    IF TG_OP <> 'DELETE' AND sla_is_signed((SELECT agreement_id FROM sla_target WHERE id = NEW.target_id)) THEN
        PERFORM sla_refuse_signed();
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

-- When a definition holds, and before which others it is tried, follows from the agreements in force.
CREATE FUNCTION sla_keep_signed_definition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text[] := ARRAY['in_force_from', 'in_force_until', 'position'];
BEGIN
    IF sla_is_signed_definition(OLD.id) THEN
        IF TG_OP = 'DELETE' THEN
            PERFORM sla_refuse_signed();
        ELSIF to_jsonb(NEW) - moves IS DISTINCT FROM to_jsonb(OLD) - moves THEN
            PERFORM sla_refuse_signed();
        END IF;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION sla_keep_signed_criterion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND sla_is_signed_definition(OLD.definition_id) THEN
        PERFORM sla_refuse_signed();
    END IF;
    IF TG_OP <> 'DELETE' AND sla_is_signed_definition(NEW.definition_id) THEN
        PERFORM sla_refuse_signed();
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION sla_keep_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A signature cannot be changed or taken away.' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER keep_signed BEFORE UPDATE OR DELETE ON sla_agreement
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_agreement();
CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON sla_target
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_part();
CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON sla_escalationstep
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_part();
CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON sla_timelimit
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_limit();
CREATE TRIGGER keep_signed BEFORE UPDATE OR DELETE ON leads_definition
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_definition();
CREATE TRIGGER keep_signed BEFORE INSERT OR UPDATE OR DELETE ON leads_criterion
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signed_criterion();
CREATE TRIGGER keep_signature BEFORE UPDATE OR DELETE ON sla_signature
    FOR EACH ROW EXECUTE FUNCTION sla_keep_signature();
"""

BACK = """
DROP TRIGGER keep_signed ON sla_agreement;
DROP TRIGGER keep_signed ON sla_target;
DROP TRIGGER keep_signed ON sla_escalationstep;
DROP TRIGGER keep_signed ON sla_timelimit;
DROP TRIGGER keep_signed ON leads_definition;
DROP TRIGGER keep_signed ON leads_criterion;
DROP TRIGGER keep_signature ON sla_signature;
DROP FUNCTION sla_keep_signed_agreement, sla_keep_signed_part, sla_keep_signed_limit, sla_keep_signed_definition,
    sla_keep_signed_criterion, sla_keep_signature, sla_refuse_signed, sla_is_signed, sla_is_signed_definition;
"""


class Migration(migrations.Migration):
    dependencies = [("sla", "0009_escalation_steps"), ("leads", "0004_history_by_statement")]

    operations = [
        migrations.AddConstraint(
            model_name="agreement",
            constraint=models.UniqueConstraint(
                fields=("series",),
                condition=models.Q(status__in=("draft", "proposed"), changes_score_model_only=False),
                name="one_open_draft_per_series",
            ),
        ),
        migrations.RunSQL(FUNCTIONS, BACK),
    ]
