import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { cleanups } from './cleanups.ts'
import { mustRun, runCommand } from './command.ts'
import { candidateVersion, canInstallPackages, installPackages, updatePackageLists } from './debian.ts'
import { SetupProblem } from './problem.ts'
import type { Progress } from './progress.ts'

const START_MS = 60_000
const LOCAL_SOCKET = 'unix:///var/run/docker.sock'
const WHY = 'code that a model wrote runs in containers, apart from this machine'

/** What `docker info` says about the engine, as far as it matters here. */
const EngineInfo = z.object({
  ServerVersion: z.string(),
  CgroupVersion: z.string().default('?'),
  MemoryLimit: z.boolean().default(false),
  SwapLimit: z.boolean().default(false),
  PidsLimit: z.boolean().default(false),
  CpuCfsQuota: z.boolean().default(false),
})
export type EngineInfo = z.infer<typeof EngineInfo>

export type DockerStatus =
  | { readonly kind: 'ready'; readonly engine: EngineInfo }
  /** There is no `docker` command. */
  | { readonly kind: 'missing' }
  /** There is one, and the engine it talks to at `host` does not answer. */
  | { readonly kind: 'down'; readonly host: string; readonly detail: string }
  /** This user may not talk to the engine. */
  | { readonly kind: 'forbidden'; readonly detail: string }

export interface DockerOptions {
  /** Where the log of an engine we start goes. */
  readonly stateDirectory: string
  readonly progress: Progress
}

/** Looks, and changes nothing. */
export async function dockerStatus(): Promise<DockerStatus> {
  const result = await runCommand('docker', ['info', '--format', '{{json .}}'], { timeoutMs: 15_000 })
  if (result === null) return { kind: 'missing' }
  const info = parseInfo(result.stdout)
  if (info?.engine) return { kind: 'ready', engine: info.engine }
  // Older clients put the reason into the answer, newer ones on stderr.
  const detail = [...(info?.errors ?? []), ...result.stderr.split('\n')].findLast((line) => line !== '') ?? 'no answer'
  if (/permission denied/i.test(detail)) return { kind: 'forbidden', detail }
  const context = await runCommand('docker', ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'])
  return { kind: 'down', host: context?.stdout.trim() || LOCAL_SOCKET, detail }
}

function parseInfo(text: string): { engine: EngineInfo | null; errors: string[] } | null {
  try {
    const json: unknown = JSON.parse(text)
    const { ServerErrors: errors } = z.object({ ServerErrors: z.array(z.string()).nullish() }).parse(json)
    const engine = EngineInfo.safeParse(json)
    // Without an engine the client still answers, with an empty version.
    return { engine: engine.success && engine.data.ServerVersion !== '' ? engine.data : null, errors: errors ?? [] }
  } catch {
    return null
  }
}

/** What a person does about it, when we cannot or must not. */
export function dockerProblem(status: Exclude<DockerStatus, { kind: 'ready' }>): SetupProblem {
  switch (status.kind) {
    case 'missing':
      return new SetupProblem({
        missing: 'Docker is not installed',
        why: WHY,
        fix: 'sudo apt-get install -y docker.io    # or see https://docs.docker.com/engine/install',
      })
    case 'forbidden':
      return new SetupProblem({
        missing: `This user may not use Docker (${status.detail})`,
        why: WHY,
        fix: 'sudo usermod -aG docker "$USER"    # then log in again',
      })
    case 'down':
      return new SetupProblem({
        missing: `Docker does not answer at ${status.host} (${status.detail})`,
        why: WHY,
        fix:
          status.host === LOCAL_SOCKET
            ? 'sudo systemctl start docker    # or: sudo dockerd'
            : 'start that engine, or use the one of this machine: unset DOCKER_HOST; docker context use default',
      })
  }
}

/**
 * A Docker engine that answers. As root it starts one that is down, and on Debian and Ubuntu installs one that is missing.
 * An engine that is started here keeps running.
 * @throws SetupProblem when there is none and none can be had.
 */
export async function ensureDocker(options: DockerOptions): Promise<EngineInfo> {
  let status = await dockerStatus()
  if (status.kind === 'missing') {
    if (!(await canInstallPackages())) throw dockerProblem(status)
    await installDocker(options.progress)
    status = await dockerStatus()
  }
  if (status.kind === 'ready') return status.engine
  const startable = status.kind === 'down' && status.host === LOCAL_SOCKET && process.getuid?.() === 0
  if (!startable) throw dockerProblem(status)
  // A client without an engine: the distribution's `docker.io` brings it.
  if ((await runCommand('dockerd', ['--version'])) === null) {
    if (!(await canInstallPackages())) throw dockerProblem(status)
    await installDocker(options.progress)
  }
  return options.progress.stage('Starting Docker', { estimateSeconds: 5 }, () => startEngine(options.stateDirectory))
}

async function installDocker(progress: Progress): Promise<void> {
  await updatePackageLists(progress)
  const packages = ['docker.io', 'ca-certificates']
  // Debian 13 has the client in a package of its own.
  if ((await candidateVersion('docker-cli')) !== null) packages.push('docker-cli')
  // Where the kernel confines with AppArmor, the engine needs its parser to start any container.
  const confined = await readFile('/sys/module/apparmor/parameters/enabled', 'utf8').catch(() => '')
  if (confined.startsWith('Y')) packages.push('apparmor')
  await installPackages(packages, WHY, progress)
}

async function startEngine(stateDirectory: string): Promise<EngineInfo> {
  if (existsSync('/run/systemd/system')) {
    await mustRun('systemctl', ['start', 'docker'])
    return waitForEngine(() => null, 'journalctl -u docker')
  }
  const log = join(stateDirectory, 'dockerd.log')
  mkdirSync(stateDirectory, { recursive: true })
  const file = openSync(log, 'w')
  const child = spawn('dockerd', [], { detached: true, stdio: ['ignore', file, file] })
  closeSync(file)
  let end: string | null = null
  child.once('error', (error) => (end = error.message))
  child.once('exit', (code, signal) => (end = code === null ? String(signal) : `exit code ${code}`))
  const cleanup = cleanups.add(() => void child.kill('SIGTERM'))
  try {
    const engine = await waitForEngine(() => end, log)
    cleanup.release()
    child.unref()
    return engine
  } catch (error) {
    await cleanup.run()
    throw error
  }
}

async function waitForEngine(ended: () => string | null, log: string): Promise<EngineInfo> {
  const deadline = Date.now() + START_MS
  for (;;) {
    const status = await dockerStatus()
    if (status.kind === 'ready') return status.engine
    const end = ended() ?? (Date.now() > deadline ? `no answer within ${START_MS / 1000} s` : null)
    if (end !== null) {
      const words = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-3).join('\n')
      throw new SetupProblem({
        missing: `Docker could not be started (${end})\n${words}`,
        why: WHY,
        fix: `see ${log}; inside a container, an engine needs --privileged, or the engine of the host`,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
