"""`python -m leadsla.embedded stop`: end the embedded services of this home."""

import sys

from leadsla.embedded import place, postgres, redis_server, sharing
from leadsla.embedded.place import EmbeddedError


def main(arguments: list[str]) -> int:
    """Carry out `start`, `stop` or `status`; return the exit code."""
    try:
        match arguments:
            case ["stop"]:
                sharing.stop_all()
            case ["status"]:
                for name, running in ((postgres.NAME, postgres.running()), (redis_server.NAME, redis_server.running())):
                    print(f"{name}: {'running' if running else 'stopped'} ({place.data(name)})")
            case _:
                print("usage: python -m leadsla.embedded stop|status", file=sys.stderr)
                return 2
    except EmbeddedError as error:
        print(f"leadsla: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
