"""Ruby's column of the behaviour table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from emulator.sandbox import languages
from tests.end_to_end.behaviour import python
from tests.end_to_end.behaviour.table import SHOWN_VARIABLES, Cell, Function, Language, variables

RUNTIME: Final = "ruby3.4"
HANDLER: Final = "app.handler"
_NAMES: Final = " ".join(SHOWN_VARIABLES)

SOURCE: Final = """
require 'securerandom'

TOKEN = SecureRandom.uuid
class OrderError < StandardError; end
class Escape < Exception; end
class Unserialisable
  def to_json(*) = raise(ArgumentError, 'not now')
end

EXITS = {
  'exit 0' => -> { exit!(0) },
  'exit 3' => -> { exit!(3) },
  'killed' => -> { Process.kill('KILL', Process.pid); sleep },
}

def handler(event:, context:)
  send("do_#{event['do']}", event, context)
end

def do_token(event, context) = TOKEN
def do_echo(event, context) = event['value']
def do_nothing(event, context) = nil
def do_fail(event, context) = raise(OrderError, 'no such order: ü')
def do_escape(event, context) = raise(Escape, 'out')
def do_hang(event, context) = sleep(60)
def do_end(event, context) = EXITS.fetch(event['how']).call
def do_long(event, context) = 'x' * (event['bytes'] - 2)
def do_unserialisable(event, context) = Unserialisable.new
def do_folder(event, context) = Dir.pwd
def do_variables(event, context) = %w[NAMES].to_h { |name| [name, ENV[name]] }
def do_client_context(event, context) = context.client_context

def do_eat(event, context)
  hoard = []
  loop { hoard << 'x' * (8 << 20) }
end

def do_context(event, context)
  {
    "request id is the log's" => context.aws_request_id, 'function' => context.function_name,
    'version' => context.function_version, 'arn' => context.invoked_function_arn,
    'memory' => context.memory_limit_in_mb, 'group' => context.log_group_name,
    'has stream' => context.log_stream_name.include?('[$LATEST]'),
    'client context' => context.client_context, 'identity' => context.identity,
    'time is left' => (1..20_000).cover?(context.get_remaining_time_in_millis), 'tenant' => nil,
  }
end

def do_log(event, context)
  puts 'printed: ü'
  warn 'to stderr'
end

def do_keep(event, context)
  File.write('/tmp/kept', TOKEN)
  TOKEN
end

def do_kept(event, context) = File.read('/tmp/kept')
""".replace("NAMES", _NAMES)
SLOW_INIT: Final = """
unless File.exist?('/tmp/began')
  File.write('/tmp/began', '')
  sleep 60
end
def handler(event:, context:) = 'begun twice'
"""
AT_INIT: Final = "{}\ndef handler(event:, context:) = nil"
_PIECES: Final = {
    "init_error": AT_INIT.format("raise ArgumentError, 'at init'"),
    "missing_dependency": AT_INIT.format("require 'nowhere_to_be_found'"),
    "syntax_error": "def handler(event:, context:",
    "init_exit_0": AT_INIT.format("exit!(0)"),
    "init_exit_3": AT_INIT.format("exit!(3)"),
    "init_killed": AT_INIT.format("Process.kill('KILL', Process.pid); sleep"),
    "slow_init": SLOW_INIT,
}
FUNCTIONS: Final[Mapping[str, Function]] = {
    "main": Function(source=SOURCE, handler=HANDLER, settings=python.FUNCTIONS["main"].settings),
    "hasty": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 1"),
    "hungry": Function(source=SOURCE, handler=HANDLER, settings="timeout_s = 20"),
    "missing_module": Function(source=SOURCE, handler="nowhere.handler"),
    "missing_handler": Function(source=SOURCE, handler="app.nobody"),
    "bad_handler": Function(source=SOURCE, handler="nodot"),
    **{
        name: Function(source=source, handler=HANDLER, settings="timeout_s = 20")
        for name, source in _PIECES.items()
    },
}
_SOURCE: Final = "invoke.md 5.3, RIC-ruby"


def _failed(error_type: str, message: str) -> Cell:
    lines = (f"Init error when loading handler …{error_type}…",)
    return Cell(source=_SOURCE, error=(error_type, message), log=lines, resets=True)


CELLS: Final[Mapping[str, Cell]] = {
    "error of the handler": Cell(
        source=_SOURCE,
        error=("Function<OrderError>", "no such order: ü"),
        first_frame="/var/task/app.rb:…:in …do_fail'",
        log=("Error raised from handler method\r…Function<OrderError>…",),
    ),
    "error that escapes the runtime": Cell(
        source=_SOURCE,
        error=("Function<Escape>", "out"),
        log=("Critical exception from handler\r…",),
        resets=True,
    ),
    "error at init": _failed("Init<ArgumentError>", "at init"),
    "handler in a missing module": _failed("Init<LoadError>", "cannot load such file -- nowhere"),
    "missing dependency": _failed(
        "Init<LoadError>", "cannot load such file -- nowhere_to_be_found"
    ),
    "missing handler": Cell(
        source=_SOURCE,
        error=("Function<NoMethodError>", "undefined method …nobody' for …"),
        resets=True,
    ),
    "bad handler name": _failed("Init<ArgumentError>", 'Invalid handler ["nodot"], must be of…'),
    "syntax error": _failed("Init<SyntaxError>", "/var/task/app.rb:1: …"),
    "result that is no JSON": Cell(source=_SOURCE, error=("Function<ArgumentError>", "not now")),
    "context": python.CELLS["context"],
    "log lines": Cell(
        source="execution-environment.md 6",
        result=None,
        log=("printed: ü", "to stderr", *python.CELLS["log lines"].log[-3:]),
    ),
}


def write(folder: Path, source: str) -> None:
    """Put the source into a function's folder."""
    (folder / "app.rb").write_text(source)


RUBY: Final = Language(
    name="ruby",
    runtime=RUNTIME,
    functions=FUNCTIONS,
    write=write,
    error_keys=("errorMessage", "errorType", "stackTrace"),
    cells={**CELLS, "environment variables": variables(RUNTIME, "ruby-main", HANDLER)},
    no_such={"segmentation fault in the handler": "Ruby catches the signal and aborts"},
    missing=None if languages.find(RUNTIME) else "no Ruby on this machine",
)
