# The emulator in a container: see docs/docker.md.
#   docker build -t lambda-emulator .
#   docker run --init -p 4566:4566 -v "$PWD:/project" lambda-emulator

# Any image with Python 3.11 or newer and its venv module; functions run on what it has installed.
ARG BASE=python:3.12-slim
FROM ${BASE}

WORKDIR /opt/lambda-emulator
COPY requirements-pip.lock requirements.lock requirements-dev.lock ./
RUN python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir -q --require-hashes -r requirements-pip.lock \
    && .venv/bin/pip install --no-cache-dir -q --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY emulator emulator
RUN .venv/bin/pip install --no-cache-dir -q --no-deps --build-constraint requirements-dev.lock . \
    && ln -s /opt/lambda-emulator/.venv/bin/lambda-emulator /usr/local/bin/

EXPOSE 4566
ENTRYPOINT ["lambda-emulator"]
CMD ["start", "--host", "0.0.0.0", "/project"]
