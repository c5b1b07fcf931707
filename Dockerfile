# Lethe as a service: the wheel is built where there is a compiler, and runs where there is none.
#
#   docker build -t lethe .
#   docker run --init -v pump:/state -v /var/log:/logs:ro lethe learn /logs/pump.csv --target flow \
#       --follow --checkpoint /state/pump --resume --resume-from start --status /state/pump.json
#
# PYTHON is any image with Python 3.11 or later and pip; the build stage installs what it needs by apt.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
RUN python3 -m pip wheel --no-cache-dir --wheel-dir /wheels /source

FROM ${PYTHON}
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python3 -m venv /opt/lethe \
    && /opt/lethe/bin/pip install --no-cache-dir --no-index --find-links /wheels lethe-ml
# A user of its own, with nothing but the state to write to.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin lethe \
    && install --directory --owner lethe --group lethe --mode 0700 /state
USER lethe
WORKDIR /state
VOLUME /state
ENV PATH=/opt/lethe/bin:$PATH OMP_NUM_THREADS=1
# `lethe learn` answers with a last checkpoint, and exit code 143.
STOPSIGNAL SIGTERM
ENTRYPOINT ["lethe"]
CMD ["--help"]
