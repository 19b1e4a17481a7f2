//! The app that tests run: a few lines of Python, handed to the interpreter, so that no image has to be built.

use nonevent_engine::model::CommandLine;
use nonevent_testkit::contract::Behaviour;

/// Answers every request with the value of `RELEASE`, over HTTP/1.1 with connections that are kept for a second.
const WEB: &str = r#"
import os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUS, BODY = int(sys.argv[1]), sys.argv[2]

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    timeout = 1
    def do_GET(self):
        self.connection.settimeout(None)
        self.rfile.read(int(self.headers.get('content-length') or 0))
        body = BODY or os.environ['RELEASE']
        if self.path == '/headers':
            body = '\n'.join(f'{name.lower()}: {value}' for name, value in self.headers.items())
        body = body.encode()
        status = f'HTTP/1.1 {STATUS} x\r\ncontent-length: {len(body)}\r\n'
        if self.close_connection:
            status += 'connection: close\r\n'
        self.wfile.write(status.encode() + b'\r\n' + body)
        self.connection.settimeout(self.timeout)
    do_POST = do_GET
    def log_message(self, *arguments):
        pass

class Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

print('listening', flush=True)
Server(('', int(os.environ['PORT'])), Handler).serve_forever()
"#;

/// Prints and goes on, until it is told to end.
const IDLE: &str = r"
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('working', flush=True)
signal.pause()
";

const CRASH: &str = "import sys; print('boom', flush=True); sys.exit(3)";

/// The command of an app.
pub fn command(behaviour: Behaviour) -> CommandLine {
    match behaviour {
        Behaviour::Healthy => python(WEB, &["200", ""]),
        Behaviour::Sick => python(WEB, &["503", "database is locked"]),
        Behaviour::Crash => python(CRASH, &[]),
        Behaviour::Idle => python(IDLE, &[]),
    }
}

/// A command that prints a text and ends.
pub fn print(text: &str, exit_code: u8) -> CommandLine {
    python("import sys; print(sys.argv[1], flush=True); sys.exit(int(sys.argv[2]))", &[text, &exit_code.to_string()])
}

/// A command that runs a piece of Python.
pub fn python(code: &str, arguments: &[&str]) -> CommandLine {
    let words = ["python", "-c", code].into_iter().chain(arguments.iter().copied());
    CommandLine::Exec(words.map(str::to_owned).collect())
}
