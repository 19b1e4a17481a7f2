"""The application: `flask --app slugs.app run`, or `gunicorn slugs.app:app`."""

from flask import Flask, abort, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from slugs.slug import slugify

LONGEST_TITLE = 500

app = Flask(__name__)
# One proxy stands in front and says who asked, and whether with TLS.
app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]


@app.get("/")
def index() -> str:
    title = request.args.get("title", "")[:LONGEST_TITLE]
    return render_template("index.html", title=title, slug=slugify(title))


@app.get("/slugs")
def slug() -> ResponseReturnValue:
    title = request.args.get("title", "")
    if len(title) > LONGEST_TITLE:
        abort(400, f"a title has at most {LONGEST_TITLE} characters")
    result = slugify(title)
    if not result:
        abort(400, "`title` needs at least one letter or digit")
    return jsonify(title=title, slug=result)


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    return jsonify(status="ok")


@app.errorhandler(HTTPException)
def explain(error: HTTPException) -> ResponseReturnValue:
    return jsonify(error=error.description), error.code or 500
