import net, { type Socket } from 'node:net'

const ENGINE = '/var/run/docker.sock'

export interface EngineProxy {
  readonly path: string
  start(): Promise<void>
  stop(): Promise<void>
}

/** Stands between a driver and the real engine, to take it away. */
export async function startEngineProxy(at: string): Promise<EngineProxy> {
  const connections = new Set<Socket>()
  let server: net.Server | null = null
  const join = (from: Socket): void => {
    const to = net.connect({ path: ENGINE, allowHalfOpen: true })
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      connections.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        connections.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
  const proxy = {
    path: at,
    async start() {
      server = net.createServer({ allowHalfOpen: true }, join)
      await new Promise<void>((resolve) => server?.listen(at, resolve))
    },
    async stop() {
      const stopping = server
      server = null
      if (!stopping) return
      const closed = new Promise((resolve) => stopping.close(resolve))
      for (const connection of connections) connection.destroy()
      await closed
    },
  }
  await proxy.start()
  return proxy
}
