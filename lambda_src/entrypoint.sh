#!/bin/sh
# `serve` is a plain server; anything else is the name of a Lambda handler. Outside Lambda there is no runtime to ask for events:
# there its emulator is started first, where it is mounted (AWS Lambda Developer Guide, "Using an alternative base image").
if [ "$1" = serve ]; then
  shift
  exec python3 -m uvicorn lambda_src.handlers.server:app --host 0.0.0.0 --port 8000 --no-access-log --no-server-header "$@"
fi
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
  exec /usr/local/bin/aws-lambda-rie python3 -m awslambdaric "$@"
fi
exec python3 -m awslambdaric "$@"
