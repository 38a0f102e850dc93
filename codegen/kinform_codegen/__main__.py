"""``python -m kinform_codegen``."""

import sys

from kinform_codegen.cli import main

sys.exit(main())
