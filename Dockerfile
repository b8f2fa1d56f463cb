# One image, three commands: `duijie migrate`, `duijie serve`, `duijie worker` (see docker-compose.yml).

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/duijie
ENV PATH=/opt/duijie/bin:$PATH
WORKDIR /source
# The dependencies change seldom and are a layer of their own; their pins are those of requirements.lock. With
# LOCK=requirements-scale.lock the image can also rematch on several machines (docs/rematch.md).
ARG LOCK=requirements-runtime.lock
COPY requirements-runtime.lock requirements-scale.lock ./
RUN pip install --no-deps --require-hashes -r $LOCK
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY matching matching
COPY marketplace marketplace
RUN pip install --no-deps --no-build-isolation --no-index .

FROM python:3.11-slim
RUN groupadd --gid 10001 duijie \
    && useradd --uid 10001 --gid duijie --home-dir /var/lib/duijie --create-home --shell /usr/sbin/nologin duijie
COPY --from=build /opt/duijie /opt/duijie
ENV PATH=/opt/duijie/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/var/lib/duijie/kernels \
    DUIJIE_MODE=production \
    DUIJIE_HOME=/var/lib/duijie
WORKDIR /var/lib/duijie
USER 10001:10001
EXPOSE 8000
CMD ["duijie", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-worker"]
