import logging

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from notes.forms import NoteForm
from notes.models import Note

log = logging.getLogger(__name__)


@require_http_methods(["GET", "HEAD", "POST"])
def wall(request: HttpRequest) -> HttpResponse:
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("wall")
    status = 422 if form.errors else 200
    return render(
        request, "notes/wall.html", {"form": form, "notes": Note.objects.all()[:50]}, status=status
    )


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answers 200 as long as the database does."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        log.warning("the database does not answer: %s", error)
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok"})
