"""Leads connections made by name to the gateway: one listener per host and port on loopback, one unix socket behind all.

Each connection begins with one line of JSON, `{"host": ..., "port": ...}`: which name was meant, as a hint. The gateway
trusts nothing of it but what its own session allows. After it, bytes both ways, each direction closed by itself.
"""

import os
import sys

GATEWAY = '/run/recourse/gateway.sock'
CHUNK = 64 << 10


def start(hosts):
    """Forks the forwarder; returns when it listens. `hosts`: a list of {host, port, address}."""
    ready_read, ready_write = os.pipe()
    if os.fork() == 0:
        try:
            os.close(ready_read)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            serve(hosts, ready_write)
        except BaseException as error:
            os.write(2, b'recourse: the forwarder ended: %s\n' % repr(error).encode())
        finally:
            os._exit(1)
    os.close(ready_write)
    if os.read(ready_read, 1) != b'1':
        raise SystemExit('recourse: the forwarder did not start')
    os.close(ready_read)


def serve(hosts, ready):
    import asyncio
    import json

    async def pipe(reader, writer):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    def to_handler(preamble):
        async def handle(reader, writer):
            try:
                gateway_reader, gateway_writer = await asyncio.open_unix_connection(GATEWAY)
            except OSError:
                # No session, so nowhere to go: a reset says so at once.
                writer.transport.abort()
                return
            try:
                gateway_writer.write(preamble)
                await asyncio.gather(pipe(reader, gateway_writer), pipe(gateway_reader, writer))
                writer.close()
                gateway_writer.close()
            except OSError:
                # One side broke off: the other must not wait for it.
                writer.transport.abort()
                gateway_writer.transport.abort()

        return handle

    async def listen():
        for each in hosts:
            preamble = json.dumps({'host': each['host'], 'port': each['port']}, separators=(',', ':')).encode() + b'\n'
            await asyncio.start_server(to_handler(preamble), each['address'], each['port'])
        os.write(ready, b'1')
        os.close(ready)
        await asyncio.Event().wait()

    asyncio.run(listen())
    sys.exit(0)
