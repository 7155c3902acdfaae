"""Writes a workflow of a WfCommons recipe as WfFormat to standard output.

Runs with the peers' own Python: RECIPE TASKS SEED.
"""

import logging
import random
import sys
import tempfile
from pathlib import Path

import numpy
from wfcommons import WorkflowGenerator
from wfcommons.common import Workflow
from wfcommons.wfchef import recipes

logging.disable()
recipe, tasks, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def workflow_of(size: int) -> Workflow:
    """A workflow of that size, or of the smallest that the recipe can make."""
    random.seed(seed)
    numpy.random.seed(seed)
    try:
        return WorkflowGenerator(getattr(recipes, f"{recipe}Recipe").from_num_tasks(size)).build_workflow()
    except ValueError:
        return workflow_of(size + 20)


workflow = workflow_of(tasks)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "workflow.json"
    workflow.write_json(file)
    sys.stdout.write(file.read_text())
