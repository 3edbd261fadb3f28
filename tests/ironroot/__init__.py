# SPDX-License-Identifier: MIT
"""What the board tests stand on: a console, its log, the kernel's log."""
