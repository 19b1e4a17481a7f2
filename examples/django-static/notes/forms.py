from django import forms

from notes.models import Note


class NoteForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Note
        fields = ("text",)
        widgets = {"text": forms.TextInput(attrs={"autofocus": True, "placeholder": "A note"})}
