from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path


def healthz(request):
    return HttpResponse("ok")


def users(request):
    return HttpResponse(str(User.objects.count()))


def page(request):
    return render(request, "page.html")


urlpatterns = [path("healthz/", healthz), path("users", users), path("page", page)]
