import { Connection } from '@temporalio/client'
import type { Environment } from '../config/environment.ts'
import { dockerProblem, dockerStatus, type DockerStatus } from './docker.ts'
import { imageExists, sandboxImage } from './image.ts'
import { findTemporal, readPins } from './temporal-binary.ts'
import { findGo } from './temporal-build.ts'

/** One line of the checklist. `warn` works, with something to know; `fail` has to be fixed before anything runs. */
export interface Check {
  readonly name: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do about it; null where nothing has to be done. */
  readonly fix: string | null
}

const NODE_MAJOR = 24

/** Looks at everything a run needs. Installs and starts nothing. */
export async function diagnose(environment: Environment): Promise<Check[]> {
  const [temporal, docker] = await Promise.all([checkTemporal(environment), dockerStatus()])
  return [checkNode(), temporal, ...(await checkDocker(docker)), checkModel(environment), separation]
}

function checkNode(): Check {
  const recent = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR
  return {
    name: 'Node',
    status: recent ? 'ok' : 'fail',
    detail: `${process.version} at ${process.execPath}`,
    fix: recent
      ? null
      : `use Node ${NODE_MAJOR} or later, e.g. in the project: npm install --save-dev node@${NODE_MAJOR}`,
  }
}

async function checkTemporal(environment: Environment): Promise<Check> {
  const name = 'Temporal'
  const address = environment.temporalAddress
  if (address !== null) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 5000 })
      const info = await connection.workflowService.getSystemInfo({}).finally(() => connection.close())
      return { name, status: 'ok', detail: `server ${info.serverVersion} at ${address} (TEMPORAL_ADDRESS)`, fix: null }
    } catch {
      return {
        name,
        status: 'fail',
        detail: `no server answers at ${address} (TEMPORAL_ADDRESS)`,
        fix: 'start that server, or let Recourse start one of its own: unset TEMPORAL_ADDRESS',
      }
    }
  }
  const binary = await findTemporal(environment.cacheDirectory)
  if (binary !== null) {
    const where = binary.from === 'path' ? 'temporal on PATH' : binary.command
    return { name, status: 'ok', detail: `${where} (${binary.version})`, fix: null }
  }
  const [{ cli, go: wanted }, go] = [await readPins(), await findGo()]
  return go.kind === 'ready'
    ? {
        name,
        status: 'warn',
        detail: `not here yet; ${cli} will be downloaded, or built with Go ${go.version} in a few minutes`,
        fix: null,
      }
    : {
        name,
        status: 'warn',
        detail: `not here yet; ${cli} will be downloaded where github.com can be reached (${go.reason})`,
        fix: `where it cannot: install Go ${wanted} or the Temporal CLI (https://docs.temporal.io/cli)`,
      }
}

async function checkDocker(docker: DockerStatus): Promise<Check[]> {
  if (docker.kind !== 'ready') {
    const problem = dockerProblem(docker)
    return [{ name: 'Docker', status: 'fail', detail: problem.missing, fix: problem.fix }]
  }
  const { engine } = docker
  const limits = { memory: engine.MemoryLimit, swap: engine.SwapLimit, pids: engine.PidsLimit, cpu: engine.CpuCfsQuota }
  const lacking = Object.entries(limits).flatMap(([limit, there]) => (there ? [] : [limit]))
  const image = await sandboxImage()
  const built = await imageExists(image)
  return [
    { name: 'Docker', status: 'ok', detail: `engine ${engine.ServerVersion}`, fix: null },
    {
      name: 'Sandbox limits',
      status: lacking.length === 0 ? 'ok' : 'warn',
      detail:
        lacking.length === 0
          ? `memory, swap, pids and cpu (cgroup v${engine.CgroupVersion})`
          : `the engine cannot limit ${lacking.join(', ')}: code that misbehaves can starve this machine`,
      fix:
        lacking.length === 0
          ? null
          : 'enable these cgroup controllers, e.g. boot with cgroup_enable=memory swapaccount=1',
    },
    {
      name: 'Sandbox image',
      status: built ? 'ok' : 'warn',
      detail: built
        ? image
        : `${image} is not there yet; it is built by the first command that needs it (about a minute)`,
      fix: null,
    },
  ]
}

function checkModel(environment: Environment): Check {
  const name = 'Model'
  const { openaiApiKey, openaiBaseUrl, openaiModel } = environment
  if (openaiApiKey === null && openaiBaseUrl === null) {
    return {
      name,
      status: 'warn',
      detail:
        'neither OPENAI_API_KEY nor OPENAI_BASE_URL is set; only configs that name an endpoint, and scripted models, work',
      fix: 'export OPENAI_API_KEY=…    # and OPENAI_BASE_URL for another endpoint than OpenAI',
    }
  }
  const endpoint = openaiBaseUrl ?? 'https://api.openai.com/v1'
  return {
    name,
    status: 'ok',
    detail: `${endpoint}${openaiModel === null ? '' : `, model ${openaiModel}`}${openaiApiKey === null ? ', no key' : ''}`,
    fix: null,
  }
}

const separation: Check = {
  name: 'Roles',
  status: 'warn',
  detail:
    'in one process by default: connector secrets, the model key and Docker are then within reach of the same process, so a fault in one role reaches the others',
  fix: 'in production, run each role by itself, and never egress on the engine that runs sandboxes (docker-compose.yml)',
}
