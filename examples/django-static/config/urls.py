from django.urls import path

from notes import views

urlpatterns = [
    path("", views.wall, name="wall"),
    path("healthz", views.healthz, name="healthz"),
]
