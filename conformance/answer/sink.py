"""A mail server that takes everything and keeps each message as a file: sink.py DIRECTORY. Prints its port."""
import asyncio
import pathlib
import sys

KEPT = pathlib.Path(sys.argv[1])
NUMBERS = iter(range(1_000_000))


async def session(reader, writer):
    def say(line):
        writer.write(line.encode() + b"\r\n")

    say("220 sink")
    while line := await reader.readline():
        verb = line.decode("utf-8", "replace").strip().upper()
        if verb.startswith("DATA"):
            say("354 go on")
            await writer.drain()
            lines = []
            while (line := await reader.readline()) not in (b".\r\n", b""):
                lines.append(line[1:] if line.startswith(b"..") else line)
            (KEPT / f"{next(NUMBERS):06}.eml").write_bytes(b"".join(lines))
            say("250 kept")
        elif verb.startswith("QUIT"):
            say("221 bye")
            await writer.drain()
            break
        else:
            say("250 yes")
        await writer.drain()
    writer.close()


async def main():
    KEPT.mkdir(parents=True, exist_ok=True)
    server = await asyncio.start_server(session, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
