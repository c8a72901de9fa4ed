# Build: the environment from the hashed lock, then the package. Run: that environment and nothing else, as nobody special.
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/assay
COPY requirements.lock ./
RUN /opt/assay/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY service service
COPY eval eval
COPY prompts prompts
COPY rubrics rubrics
RUN /opt/assay/bin/pip install --no-deps --no-build-isolation . \
 && /opt/assay/bin/pip uninstall -y hatchling editables trove-classifiers pathspec pluggy pip

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home assay
COPY --from=build /opt/assay /opt/assay
ENV PATH=/opt/assay/bin:$PATH PYTHONUNBUFFERED=1 ASSAY_HOST=0.0.0.0 ASSAY_PORT=8000 ASSAY_DATABASE_URL=sqlite:////data/assay.db
USER assay
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
  CMD ["python", "-c", "import urllib.request, os; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['ASSAY_PORT']}/healthz\", timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["assay", "serve"]
