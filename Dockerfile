# One image for web, worker, dispatcher and migrations; docker-compose.yml says which runs where.
# A release build names the base by digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# For builds without a package index: a folder of wheels (a bind mount) or its address, and PIP_NO_INDEX=1.
ARG PIP_FIND_LINKS=""
ARG PIP_NO_INDEX=""
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/patreview/venv
COPY requirements/server.txt /tmp/server.txt
RUN PIP_FIND_LINKS="${PIP_FIND_LINKS}" PIP_NO_INDEX="${PIP_NO_INDEX}" \
    /opt/patreview/venv/bin/python -m pip install --require-hashes --only-binary :all: -r /tmp/server.txt
COPY . /opt/patreview/app
WORKDIR /opt/patreview/app
# The values only satisfy the settings; nothing of them stays in the image.
RUN PATREVIEW_ENV=production SECRET_KEY=static-files-only-static-files-only-static-files-only \
    DATABASE_URL=postgres://none@localhost/none STATIC_ROOT=/opt/patreview/static \
    /opt/patreview/venv/bin/python manage.py collectstatic --noinput \
    && /opt/patreview/venv/bin/python -m compileall -q patreview simulator

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 patreview \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin patreview \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/patreview /opt/patreview
WORKDIR /opt/patreview/app
ENV PATH=/opt/patreview/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PATREVIEW_ENV=production \
    PATREVIEW_DATA=/data \
    STATIC_ROOT=/opt/patreview/static
USER 10001:10001
EXPOSE 8000
# The probe asks as one of ALLOWED_HOSTS would: any other name is refused.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["python3", "-c", "import os, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': os.environ.get('ALLOWED_HOSTS', 'localhost').split(',')[0].lstrip('.*') or 'localhost'}), timeout=4)"]
CMD ["gunicorn", "patreview.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--timeout", "60", "--graceful-timeout", "30", "--keep-alive", "5", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]
