"""Starts the server of Direct Write where Databricks Apps has unpacked it.

The platform takes files of less than 10 MiB and may lose the executable bit: the server lies here in compressed parts. They are put
together, held against the checksum, and the server takes this process over, so that the platform's SIGTERM reaches it.
Standard library only; nothing is fetched.
"""

import hashlib
import os
import pathlib
import shutil
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
NAME = "direct-write"


def expected():
    """The checksum of the server."""
    return (HERE / f"{NAME}.sha256").read_text().split()[0]


def checksum(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def unpack(target):
    """Writes the server to `target`, all of it or none."""
    parts = sorted(HERE.glob(f"{NAME}.gz.*"))
    if not parts:
        sys.exit(f"launcher: there is no {NAME}.gz.* in {HERE}: deploy the whole folder that 'make package' made.")
    inflate = zlib.decompressobj(wbits=31)
    digest = hashlib.sha256()
    fresh = target.with_name(f".{NAME}.{os.getpid()}")
    try:
        with fresh.open("wb") as file:
            for part in parts:
                data = inflate.decompress(part.read_bytes())
                digest.update(data)
                file.write(data)
            if not inflate.eof:
                sys.exit(f"launcher: the last part of {NAME}.gz is missing: deploy again.")
        if digest.hexdigest() != expected():
            sys.exit(f"launcher: {NAME} is not what {NAME}.sha256 says; it was not started. Deploy again.")
        fresh.chmod(0o755)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def installed(folder):
    """The server in `folder`, with the page's names beside it, where it looks for them."""
    target = folder / NAME
    if not (target.is_file() and checksum(target) == expected()):
        unpack(target)
    target.chmod(0o755)
    if folder != HERE:
        shutil.copyfile(HERE / "hash.txt", folder / "hash.txt")
    return target


def main():
    os.chdir(HERE)
    try:
        program = installed(HERE)
    except OSError:
        # The folder may be read-only.
        program = installed(pathlib.Path(tempfile.mkdtemp(prefix=f"{NAME}-")))
    os.execv(program, [str(program), *sys.argv[1:]])


if __name__ == "__main__":
    try:
        main()
    except (OSError, zlib.error) as error:
        sys.exit(f"launcher: the server could not be started: {error}. Deploy again.")
