"""The embedded AWS in a process of its own: prints its address, and runs until it is killed."""

import threading

from lambda_src.local.cloud import start_cloud

if __name__ == "__main__":
    print(start_cloud(0).url, flush=True)
    threading.Event().wait()
