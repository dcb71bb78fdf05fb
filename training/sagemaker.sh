#!/bin/sh
# The entry point for SageMaker's training toolkit (`sagemaker_program`): it runs scripts, and this project is a package.
exec python3 -m training.train "$@"
