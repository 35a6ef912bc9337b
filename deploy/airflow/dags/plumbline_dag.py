"""
Preference training on a schedule: prepare, reference, train, evaluate, publish.

Every logical date has a directory of its own below the output root, and each stage leaves a file
there that says that it is complete. So a task that is tried again goes on where it stopped, and a
date that is run again changes nothing. A model is published only if it beats the last published
one on held-out preferences; then, and only then, the asset `plumbline_published_model` gets an
event.

Needs Airflow 3 with the Apache Spark provider. Nothing of Python runs in the cluster: each stage is
the jar, submitted by spark-submit. README.md beside this file says how to set it up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk import (
    DAG,
    Asset,
    Context,
    ObjectStoragePath,
    Param,
    Variable,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowSkipException

SCHEDULE = "@daily"
START = datetime(2025, 1, 1, tzinfo=timezone.utc)
SPARK_CONNECTION = "plumbline_spark"
# Further arguments of every SparkSubmitOperator: YARN in cluster mode needs yarn_track_via_rm_api.
SPARK_SUBMIT: dict[str, Any] = {}
RETRIES = 3
# The first wait; each one after it is twice as long, up to half an hour.
RETRY_DELAY = timedelta(seconds=float(os.environ.get("PLUMBLINE_RETRY_SECONDS", "60")))

PUBLISHED = Asset(name="plumbline_published_model", group="model")

PARAMS = {
    "model": Param(
        "s3a://models/base",
        type="string",
        minLength=1,
        title="Model",
        description="Hugging Face directory that training starts from,"
        " and the reference of the evaluation.",
    ),
    "data": Param(
        ["s3a://feedback/pairs/{ds}/"],
        type="array",
        items={"type": "string", "minLength": 1},
        minItems=1,
        title="Training data",
        description="Preferences: paths, table:NAME or sql:SELECT…; {ds} stands for the logical"
        " date, such as 2025-01-31, and {ds_nodash} for 20250131.",
    ),
    "held_out": Param(
        ["s3a://feedback/held-out/"],
        type="array",
        items={"type": "string", "minLength": 1},
        minItems=1,
        title="Held-out data",
        description="Preferences that no training sees. New and last model are compared on them.",
    ),
    "output_root": Param(
        "s3a://models/plumbline",
        type="string",
        minLength=1,
        title="Output root",
        description="Each logical date writes to a directory of its own below it;"
        " published.json there names the published model.",
    ),
    "reference_cache": Param(
        None,
        type=["null", "string"],
        title="Reference cache",
        description="Directory of reference log-probabilities that dates share;"
        " OUTPUT_ROOT/reference-cache if empty.",
    ),
    "algorithm": Param(
        "dpo",
        enum=["dpo", "kto", "orpo", "simpo"],
        title="Algorithm",
        description="The training command."
        " kto wants unpaired rows with labels in the training data.",
    ),
    "ranks": Param(
        2,
        type="integer",
        minimum=1,
        maximum=1024,
        title="Ranks",
        description="Tasks that train together;"
        " the cluster must have so many slots at the same time.",
    ),
    "beta": Param(
        0.1,
        type="number",
        exclusiveMinimum=0,
        title="Beta",
        description="How strongly the policy is held to the reference"
        " (for orpo and simpo, see their help).",
    ),
    "learning_rate": Param(
        1e-6, type="number", minimum=0, maximum=1, title="Learning rate", description="Its peak."
    ),
    "epochs": Param(
        1.0,
        type="number",
        exclusiveMinimum=0,
        title="Epochs",
        description="Passes over the training data.",
    ),
    "max_steps": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Most steps",
        description="Ends training after so many updates, whatever the epochs say.",
    ),
    "global_batch_size": Param(
        64, type="integer", minimum=1, title="Global batch size", description="Rows an update."
    ),
    "max_length": Param(
        1024,
        type="integer",
        minimum=2,
        title="Longest row",
        description="Tokens of prompt and completion.",
    ),
    "save_steps": Param(
        100,
        type="integer",
        minimum=1,
        title="Steps between training states",
        description="A training that is tried again goes on from the newest.",
    ),
    "seed": Param(
        42, type="integer", minimum=0, title="Seed", description="Decides the order of rows."
    ),
    "training_arguments": Param(
        [],
        type="array",
        items={"type": "string"},
        title="Further options of the training command",
        description="One text an item, such as --warmup-steps and 100.",
    ),
    "metric": Param(
        "accuracy",
        enum=["accuracy", "margin"],
        title="Metric",
        description="Which number of the held-out preferences decides.",
    ),
    "minimum_improvement": Param(
        0.0,
        type="number",
        minimum=0,
        title="Minimum improvement",
        description="By how much the new model must be better than the last published one;"
        " with 0, by anything at all.",
    ),
    "spark_conf": Param(
        {},
        type="object",
        title="Spark settings",
        description="Wins over the Variable plumbline_spark_conf, setting by setting.",
    ),
}


def read_json(path: str) -> dict[str, Any] | None:
    """What a small file holds, on any storage that Airflow has a provider for; None without it."""
    if path.startswith("s3a://"):
        path = "s3://" + path.removeprefix("s3a://")
    elif "://" not in path and not path.startswith("file:"):
        path = "file://" + os.path.abspath(path)
    connection = Variable.get("plumbline_storage_connection", default=None)
    try:
        return json.loads(ObjectStoragePath(path, conn_id=connection).read_text())
    except FileNotFoundError:
        return None


@dataclass(frozen=True)
class Run:
    """The parameters and the files of one logical date."""

    params: Mapping[str, Any]
    when: datetime
    last: Mapping[str, Any]

    @staticmethod
    def of(context: Context) -> Run:
        """The run that a task's context belongs to."""
        dag_run = context["dag_run"]
        # A run that was triggered without a logical date is a date of its own.
        when = dag_run.logical_date or dag_run.run_after
        last = context["ti"].xcom_pull(task_ids="last_published") or {}
        return Run(dict(context["params"]), when, last)

    def below(self, name: str) -> str:
        """A path below the output root."""
        return self.params["output_root"].rstrip("/") + "/" + name

    @property
    def directory(self) -> str:
        """The directory of this logical date, such as OUTPUT_ROOT/20250131T000000."""
        return self.below(self.when.strftime("%Y%m%dT%H%M%S"))

    @property
    def training(self) -> str:
        """The output directory of the training command."""
        return self.directory + "/" + self.params["algorithm"]

    @property
    def candidate(self) -> str:
        """The trained model, which may be published."""
        return self.training + "/checkpoint"

    @property
    def evaluation(self) -> str:
        """By the version that it compares with: a newer one asks for another evaluation."""
        return f"{self.directory}/evaluation-against-{self.last.get('version', 0)}"

    @property
    def decision(self) -> str:
        """The file in which publish says what it decided; with it, the date is complete."""
        return self.directory + "/decision.json"

    @property
    def pointer(self) -> str:
        """The file that names the published model."""
        return self.below("published.json")

    @property
    def reference_cache(self) -> str:
        """The directory of reference log-probabilities that dates share."""
        return self.params["reference_cache"] or self.below("reference-cache")

    @property
    def has_reference(self) -> bool:
        """Whether the algorithm compares the policy with a reference model."""
        return self.params["algorithm"] in ("dpo", "kto")

    def each(self, option: str, param: str) -> list[str]:
        """The option once for each path of a parameter."""
        ds = self.when.strftime("%Y-%m-%d")
        paths = (
            path.replace("{ds}", ds).replace("{ds_nodash}", ds.replace("-", ""))
            for path in self.params[param]
        )
        return [text for path in paths for text in (option, path)]

    @property
    def decided(self) -> bool:
        """Whether publish has decided on this date's model."""
        return read_json(self.decision) is not None

    @property
    def trained(self) -> bool:
        """Whether training is complete, by its run.json or by a decision."""
        record = read_json(self.training + "/run.json")
        return self.decided or (record is not None and record["status"] == "completed")

    @property
    def evaluated(self) -> bool:
        """Whether the evaluation against the last published version is complete."""
        return self.decided or read_json(self.evaluation + "/evaluation.json") is not None


class PlumblineOperator(SparkSubmitOperator):
    """
    One command of Plumbline as a Spark job, unless its work is done already.

    :param arguments: what stands behind the jar
    :param done: whether there is nothing left to do
    """

    def __init__(
        self,
        *,
        arguments: Callable[[Run], list[str]],
        done: Callable[[Run], bool],
        **kwargs: Any,
    ) -> None:
        """A spark-submit of the jar, named after the task."""
        super().__init__(
            application="{{ var.value.plumbline_jar }}",
            java_class="io.plumbline.spark.cli.Plumbline",
            conn_id=SPARK_CONNECTION,
            name="plumbline-" + kwargs["task_id"],
            **SPARK_SUBMIT,
            **kwargs,
        )
        self.arguments = arguments
        self.done = done

    def execute(self, context: Context) -> None:
        """Submits the command with the run's arguments and Spark settings, if it is not done."""
        run = Run.of(context)
        if self.done(run):
            self.log.info("Complete already, nothing to do: %s", run.directory)
            return
        self.conf = {
            **Variable.get("plumbline_spark_conf", default={}, deserialize_json=True),
            **run.params["spark_conf"],
        }
        self.application_args = self.arguments(run)
        super().execute(context)


def rows(run: Run) -> list[str]:
    """Arguments that prepare, reference and train share, so that each finds what another made."""
    params = run.params
    return [
        *("--model", params["model"]),
        *run.each("--data", "data"),
        *("--output", run.training),
        *("--seed", str(params["seed"])),
        *("--max-length", str(params["max_length"])),
    ]


def prepare_arguments(run: Run) -> list[str]:
    """`prepare`, which writes the canonical shards that training reads."""
    kind = "unpaired" if run.params["algorithm"] == "kto" else "preference"
    return ["prepare", "--kind", kind, *rows(run), *length(run)]


def reference_arguments(run: Run) -> list[str]:
    """`reference`, which fills the cache of reference log-probabilities.

    Skips the task for an algorithm without a reference model.
    """
    if not run.has_reference:
        raise AirflowSkipException(f"{run.params['algorithm']} has no reference model")
    kind = "unpaired" if run.params["algorithm"] == "kto" else "preference"
    return [
        "reference",
        "--kind",
        kind,
        *rows(run),
        *tasks(run),
        "--reference-cache",
        run.reference_cache,
    ]


def train_arguments(run: Run) -> list[str]:
    """The training command, which resumes where there is a training state."""
    params = run.params
    return [
        params["algorithm"],
        *rows(run),
        *length(run),
        *tasks(run),
        *(("--reference-cache", run.reference_cache) if run.has_reference else ()),
        *("--beta", str(params["beta"])),
        *("--learning-rate", str(params["learning_rate"])),
        *("--save-steps", str(params["save_steps"])),
        *params["training_arguments"],
        # Begins anew where there is no training state yet.
        "--resume",
    ]


def evaluate_arguments(run: Run) -> list[str]:
    """`evaluate`, which compares the candidate with the last published model, if any."""
    last = ("--policy", "last=" + run.last["model"]) if run.last.get("version") else ()
    return [
        "evaluate",
        *("--policy", "candidate=" + run.candidate),
        *last,
        *("--reference", run.params["model"]),
        *run.each("--data", "held_out"),
        *("--beta", str(run.params["beta"])),
        *("--output", run.evaluation),
    ]


def publish_arguments(run: Run) -> list[str]:
    """`publish`, which moves the pointer if the candidate is better."""
    return [
        "publish",
        *("--candidate", run.candidate),
        *("--evaluation", run.evaluation + "/evaluation.json"),
        *("--to", run.pointer),
        *("--decision", run.decision),
        *("--metric", run.params["metric"]),
        *("--minimum-improvement", str(run.params["minimum_improvement"])),
    ]


def length(run: Run) -> list[str]:
    """How long training is, which prepare must know for the shards."""
    params = run.params
    return [
        *("--epochs", str(params["epochs"])),
        *(("--max-steps", str(params["max_steps"])) if params["max_steps"] else ()),
        *("--global-batch-size", str(params["global_batch_size"])),
    ]


def tasks(run: Run) -> list[str]:
    """How many tasks train together, which reference must know as well."""
    return ["--ranks", str(run.params["ranks"])]


with DAG(
    dag_id="plumbline",
    description="Trains on preferences, and publishes a model that is better than the last",
    doc_md=__doc__,
    schedule=SCHEDULE,
    start_date=START,
    catchup=False,
    # Two dates at once would compare with the same last model; publish would let one of them win
    # and tell the other to evaluate again.
    max_active_runs=1,
    params=PARAMS,
    tags=["plumbline"],
    default_args={
        "retries": RETRIES,
        "retry_delay": RETRY_DELAY,
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=30),
    },
) as dag:

    @task
    def last_published() -> dict[str, Any]:
        """The model to beat: the one that the pointer names when this date begins."""
        published = read_json(Run.of(get_current_context()).pointer) or {}
        return {"version": published.get("version", 0), "model": published.get("model", "")}

    prepare = PlumblineOperator(
        task_id="prepare", arguments=prepare_arguments, done=lambda run: run.trained
    )
    reference = PlumblineOperator(
        task_id="reference", arguments=reference_arguments, done=lambda run: run.trained
    )
    train = PlumblineOperator(
        task_id="train",
        arguments=train_arguments,
        done=lambda run: run.trained,
        # reference is skipped for an algorithm without one.
        trigger_rule="none_failed",
    )
    evaluate = PlumblineOperator(
        task_id="evaluate", arguments=evaluate_arguments, done=lambda run: run.evaluated
    )
    publish = PlumblineOperator(
        task_id="publish", arguments=publish_arguments, done=lambda run: run.decided
    )

    @task(inlets=[PUBLISHED], outlets=[PUBLISHED])
    def announce(*, inlet_events: Any, outlet_events: Any) -> None:
        """Tells those who wait for the asset, once a version."""
        run = Run.of(get_current_context())
        decision = read_json(run.decision)
        if not decision["published"]:
            raise AirflowSkipException(f"Version {decision['version']} stays: {decision['reason']}")
        news = {
            "pointer": run.pointer,
            "version": decision["version"],
            "model": decision["model"],
            "fingerprint": decision["fingerprint"],
            "preferences": decision["preferences"],
            "evaluation": run.evaluation,
        }
        for event in inlet_events[PUBLISHED]:
            if all(event.extra.get(key) == news[key] for key in ("pointer", "version")):
                raise AirflowSkipException(f"Version {decision['version']} was announced before.")
        outlet_events[PUBLISHED].extra = news

    # The model to beat is read last, when the candidate is there: nobody else can be faster by
    # much.
    prepare >> reference >> train >> last_published() >> evaluate >> publish >> announce()
