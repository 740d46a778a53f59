"""Let the sweep look once at clocks that run since before steps were planned, so that it plans theirs."""

from django.db import migrations

LOOK_AT = """
    UPDATE sla_clock SET next_step_at = started_at
    WHERE outcome = 'running' AND stopped_at IS NULL AND breached_at IS NULL
      AND next_step_at IS NOT NULL AND plan_steps = '{}'
"""


class Migration(migrations.Migration):
    dependencies = [("sla", "0011_compliance_indexes")]

    operations = [migrations.RunSQL(LOOK_AT, migrations.RunSQL.noop)]
