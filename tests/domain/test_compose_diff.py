"""What a person is shown of a change of compose files."""

from bot.domain.compose_diff import unified_diff
from bot.domain.compose_edit import ComposeFile

BEFORE = """\
services:
  server:
    image: a:1
    # the token:
    environment:
      - TOKEN=planted
      - MODE=fast
      - PLAIN
      - OTHER=KEY=1
    labels:
      password: |
        planted
          planted too
    # token: planted
"""


def test_every_line_stays_where_it_was_and_only_secrets_are_masked() -> None:
    files = [ComposeFile(f"/srv/{name}.yml", BEFORE.encode()) for name in ("a", "b")]

    diff = unified_diff(files, {"/srv/a.yml": BEFORE.replace("a:1", "a:2").encode()})

    assert (
        diff
        == """\
--- /srv/a.yml
+++ /srv/a.yml
@@ -1,6 +1,6 @@
 services:
   server:
-    image: a:1
+    image: a:2
     # the token:
     environment:
       - ***"""
    )


def test_what_is_in_several_lines_is_masked_in_each() -> None:
    file = ComposeFile("/srv/a.yml", BEFORE.encode())

    diff = unified_diff([file], {file.path: BEFORE.replace("# token", "# a token").encode()})

    assert (
        diff
        == """\
--- /srv/a.yml
+++ /srv/a.yml
@@ -11,4 +11,4 @@
       password: ***
         ***
           ***
-    # token: ***
+    # a token: ***"""
    )


def test_what_is_no_secret_is_shown() -> None:
    file = ComposeFile("/srv/a.yml", BEFORE.encode())

    diff = unified_diff([file], {file.path: BEFORE.replace("PLAIN", "PLAINER").encode()})

    assert (
        diff
        == """\
--- /srv/a.yml
+++ /srv/a.yml
@@ -5,7 +5,7 @@
     environment:
       - ***
       - MODE=fast
-      - PLAIN
+      - PLAINER
       - OTHER=KEY=1
     labels:
       password: ***"""
    )
