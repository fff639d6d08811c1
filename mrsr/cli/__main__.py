"""`python -m mrsr.cli`, for where the console command is not installed."""

import sys

from mrsr.cli.main import main

sys.exit(main())
