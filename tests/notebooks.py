"""Executes a notebook: ``notebooks.py NOTEBOOK EXECUTED``. In its own process: a kernel's client leaves sockets open.

The kernel is that of this interpreter, whatever kernels the user has.
"""

import sys

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

SECONDS = 120
"""What a cell may take."""


class ThisInterpreter(KernelSpecManager):
    """Knows one kernel."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name=kernel_name,
            language="python",
        )


def main(source: str, executed: str) -> None:
    """Write a notebook with the outputs of its cells."""
    notebook = nbformat.read(source, as_version=4)
    NotebookClient(notebook, km=AsyncKernelManager(kernel_spec_manager=ThisInterpreter()), timeout=SECONDS).execute()
    nbformat.write(notebook, executed)


if __name__ == "__main__":
    main(*sys.argv[1:])
