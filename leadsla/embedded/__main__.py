"""`python -m leadsla.embedded run|stop|status`: the portal of a checkout and its embedded services."""

import signal
import sys

# Ctrl-C while modules load ends this quietly; nothing is started yet.
signal.signal(signal.SIGINT, signal.SIG_DFL)

from leadsla.embedded import place, portal, postgres, redis_server
from leadsla.embedded.place import EmbeddedError


def main(arguments: list[str]) -> int:
    """Carry out what the arguments say; return the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        match arguments:
            case ["run"]:
                return portal.main()
            case ["watch", port, supervisor]:
                portal.watch(int(port), int(supervisor))
            case ["stop"]:
                portal.stop()
            case ["status"]:
                for name, running in ((postgres.NAME, postgres.running()), (redis_server.NAME, redis_server.running())):
                    print(f"{name}: {'running' if running else 'stopped'} ({place.data(name)})")
            case _:
                print("usage: python -m leadsla.embedded run|stop|status", file=sys.stderr)
                return 2
    except EmbeddedError as error:
        print(f"leadsla: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
