"""Run an exported file in a headless browser, and compare its labels with ONNX Runtime's here.

    npm install onnxruntime-web
    python tools/export_browser.py MODEL.onnx IMAGE.png --dist node_modules/onnxruntime-web/dist [--browser chromium]

The page is examples/browser/index.html, served from this machine to this machine; the file must have been exported with
--uint8-input. The image goes to the browser as pixels, so that what is compared is the model and not a decoder. The
status is 1 where fewer than 99.9 % of the labels agree.
"""

from __future__ import annotations

import argparse
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

PAGE = Path(__file__).parents[1] / "examples" / "browser" / "index.html"
#: run in the page once it is ready: fetches the pixels and posts the labels
CHECK = """<script type="module">
const answer = (body, what) => fetch("/" + what, { method: "POST", body });
window.addEventListener("error", (event) => answer(String(event.message), "failed"));
window.addEventListener("unhandledrejection", (event) => answer(String(event.reason), "failed"));
window.addEventListener("ready", async () => {
  const [height, width] = await (await fetch("./size.json")).json();
  const data = new Uint8ClampedArray(await (await fetch("./pixels.bin")).arrayBuffer());
  await answer(await window.segment({ data, width, height }), "labels");
});
</script>
"""


def main() -> int:
    """Serve, browse, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("image", type=Path)
    parser.add_argument("--dist", type=Path, required=True, help="folder dist/ of the npm package onnxruntime-web")
    parser.add_argument("--browser", default="chromium")
    parser.add_argument("--seconds", type=int, default=120, help="to wait for the labels")
    args = parser.parse_args()
    pixels = np.asarray(Image.open(args.image).convert("RGB"))
    wanted = here(args.model, pixels)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(args.model, folder / "model.onnx")
        shutil.copy(args.model.with_name(args.model.name + ".json"), folder / "model.onnx.json")
        (folder / "dist").symlink_to(args.dist.resolve())
        (folder / "index.html").write_text(CHECK + PAGE.read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "size.json").write_text(json.dumps(pixels.shape[:2]), encoding="utf-8")
        opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
        (folder / "pixels.bin").write_bytes(np.concatenate([pixels, opaque], axis=2).tobytes())
        what, body = browsed(folder, args.browser, args.seconds)
    if what != "labels":
        print(f"the page gave no labels: {what} {body.decode(errors='replace')}")
        return 1
    found = np.frombuffer(body, np.uint8).reshape(wanted.shape)
    agreement = float((found == wanted).mean())
    print(f"{agreement:.4%} of {wanted.size} labels agree, {len(np.unique(wanted))} classes")
    return 0 if agreement >= 0.999 else 1


def here(model: Path, pixels: np.ndarray) -> np.ndarray:
    """Labels (H, W) by ONNX Runtime on this machine."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    [given] = session.get_inputs()
    [found] = session.run(None, {given.name: pixels[None]})
    return (found[0] if found.ndim == 3 else found[0].argmax(0)).astype(np.uint8)  # type: ignore[no-any-return]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, and what the page posts."""

    extensions_map: ClassVar = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

    def do_POST(self) -> None:
        """Keep what was posted."""
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        server.answers.append((self.path.strip("/"), body))
        server.answered.set()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def browsed(folder: Path, browser: str, seconds: int) -> tuple[str, bytes]:
    """What the page in a folder answers first: ``labels`` or ``failed``, and its bytes."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        server.answers, server.answered = [], threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tempfile.TemporaryDirectory() as profile:
            options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
            address = f"http://127.0.0.1:{server.server_address[1]}/index.html"
            quiet = subprocess.DEVNULL
            process = subprocess.Popen([browser, *options, address], stdout=quiet, stderr=quiet)
            try:
                server.answered.wait(seconds)  # type: ignore[attr-defined]
            finally:
                process.terminate()
                process.wait()
                server.shutdown()
        answers: list[tuple[str, bytes]] = server.answers  # type: ignore[attr-defined]
        return answers[0] if answers else ("nothing", f"within {seconds} s".encode())


if __name__ == "__main__":
    raise SystemExit(main())
