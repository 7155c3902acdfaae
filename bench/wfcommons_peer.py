"""Writes a workflow of a WfCommons recipe as WfFormat to standard output. Runs with the peers' own Python: RECIPE TASKS SEED."""

import logging
import random
import sys
import tempfile
from pathlib import Path

import numpy
from wfcommons import WorkflowGenerator
from wfcommons.wfchef import recipes

logging.disable()
recipe, tasks, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
random.seed(seed)
numpy.random.seed(seed)
workflow = WorkflowGenerator(getattr(recipes, f"{recipe}Recipe").from_num_tasks(tasks)).build_workflow()
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "workflow.json"
    workflow.write_json(file)
    sys.stdout.write(file.read_text())
