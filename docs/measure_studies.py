"""Train the studies behind the pages of docs/explanation, one after the other.

    python docs/measure_studies.py FOLDER [STUDY ...]       train all, or these, each in a folder of its own in FOLDER
    python docs/results_table.py compare STUDY --commit HASH FOLDER/STUDY       carry what was found into docs/results

The same command again goes on where it was stopped. All are so small that a run takes one to four minutes on two cores.
The data is that of $SEQ2SEQ_DATA.
"""

import argparse
import subprocess
import sys

from result_tables import studies


def main() -> int:
    """Run what the command line names; give the exit status of the first study that failed or was stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where the runs go")
    parser.add_argument("studies", nargs="*", metavar="STUDY", help="which, instead of all")
    arguments = parser.parse_args()
    for command in [studies.command(name, arguments.folder) for name in arguments.studies or studies.NAMES]:
        if failed := subprocess.run([sys.executable, "-m", *command]).returncode:
            return failed
    return 0


if __name__ == "__main__":
    sys.exit(main())
