import { z } from 'zod'
import { ModelsConfig, ROLES } from '../model/config.ts'
import type { AgentSnapshot, ConnectorSnapshot, ToolSnapshot } from '../run/agent.ts'
import { digestOf } from '../run/digest.ts'
import { parseOrigin } from './check.ts'
import { ConfigError } from './errors.ts'
import { suggest } from './nearest.ts'
import type { Config, ConnectorConfig } from './schema.ts'
import { createResolver } from './secrets.ts'
import type { ResolveSecret } from './secrets.ts'
import { showPath } from './show-path.ts'
import type { ToolDefinition } from './define-tool.ts'

/** Turns a checked config into what each role needs, and no role gets what it must not have. */

/** Where a connector's requests really go, and with which credential. For egress only. */
export interface UpstreamConfig {
  readonly name: string
  /** Origin as generated code calls it. */
  readonly url: string
  /** Origin where the service is. */
  readonly upstream: string
  readonly auth?: { readonly bearer: string } | { readonly header: { readonly name: string; readonly value: string } }
  readonly timeoutMs: number
  readonly settleMs?: number
}

/**
 * The agent's part of the config, without secrets and without addresses.
 * @throws ConfigError when there is no such agent.
 */
export function toAgentSnapshot(config: Config, agentName: string): AgentSnapshot {
  const agent = Object.hasOwn(config.agents, agentName) ? config.agents[agentName] : undefined
  if (!agent) {
    throw new ConfigError(`there is no agent "${agentName}"${suggest(agentName, Object.keys(config.agents))}`)
  }
  const { policy, budgets } = agent
  const snapshot = {
    name: agentName,
    ...(agent.description !== undefined && { description: agent.description }),
    mode: agent.mode,
    connectors: agent.connectors.map((name) => toConnectorSnapshot(name, pick(config.connectors, name))),
    tools: agent.tools.map((name) =>
      toToolSnapshot(
        config.tools.find((tool) => tool.name === name),
        name,
      ),
    ),
    policy: {
      effects: policy.effects,
      undeclared: policy.undeclared,
      strict: policy.strict,
      confirm: policy.confirm,
      confirmWithinMs: policy.confirmWithin,
      onConfirmTimeout: policy.onConfirmTimeout,
      approveWithinMs: policy.approveWithin,
      undoWindowMs: policy.undoWindow,
      approvers: policy.approvers,
    },
    budgets: {
      repairs: budgets.repairs,
      effects: budgets.effects,
      steps: budgets.steps,
      parallel: budgets.parallel,
      codeMs: budgets.codeTime,
      toolCalls: budgets.toolCalls,
    },
    responses: agent.responses,
    opinion: agent.opinion,
  } satisfies Omit<AgentSnapshot, 'digest'>
  return { ...snapshot, digest: digestOf(snapshot) }
}

/**
 * Addresses and credentials of every connector.
 * @throws ConfigError naming every variable that is missing and where it is used.
 */
export function toUpstreams(config: Config, resolveSecret: ResolveSecret): UpstreamConfig[] {
  const resolver = createResolver(resolveSecret)
  const problems: string[] = []
  const upstreams = Object.entries(config.connectors).map(([name, connector]): UpstreamConfig => {
    const at = (...keys: string[]) => showPath(['connectors', name, ...keys])
    const text = connector.upstream === undefined ? connector.url : resolver.read(connector.upstream, at('upstream'))
    const upstream = parseOrigin(text)
    // Empty: missing, which the resolver reports.
    if ('error' in upstream && text !== '') problems.push(`${at('upstream')}: ${upstream.error}`)
    const { bearer, header } = connector.auth ?? {}
    return {
      name,
      url: new URL(connector.url).origin,
      upstream: 'error' in upstream ? '' : upstream.origin,
      ...(bearer && { auth: { bearer: resolver.read(bearer, at('auth', 'bearer')) } }),
      ...(header && {
        auth: { header: { name: header.name, value: resolver.read(header.value, at('auth', 'header', 'value')) } },
      }),
      timeoutMs: connector.timeout,
      ...(connector.settle !== undefined && { settleMs: connector.settle }),
    }
  })
  problems.push(...resolver.missing())
  if (problems.length > 0) throw new ConfigError('the connectors cannot be used:', problems)
  return upstreams
}

/**
 * The model of every role, keys included. For the model role only.
 * @throws ConfigError naming every variable that is missing and where it is used.
 */
export function toModels(config: Config, resolveSecret: ResolveSecret): ModelsConfig {
  const resolver = createResolver(resolveSecret)
  const { default: base } = config.models
  const toSpec = (role: string, entry: Partial<typeof base>) => {
    const { timeout, baseURL, apiKey, model, ...rest } = { ...base, ...definedOnly(entry) }
    // What a role inherits is missing where it was written.
    const read = (key: 'baseURL' | 'apiKey' | 'model', value: Parameters<typeof resolver.read>[0]) =>
      resolver.read(value, showPath(['models', entry[key] === undefined ? 'default' : role, key]))
    return {
      ...rest,
      baseURL: read('baseURL', baseURL),
      apiKey: read('apiKey', apiKey),
      model: read('model', model),
      ...(timeout !== undefined && { timeoutMs: timeout }),
    }
  }
  const specs: Record<string, unknown> = { default: toSpec('default', base) }
  for (const role of ROLES) {
    const entry = config.models[role]
    if (entry) specs[role] = toSpec(role, entry)
  }
  const missing = [...new Set(resolver.missing())]
  if (missing.length > 0) throw new ConfigError('the models cannot be used:', missing)
  const parsed = ModelsConfig.safeParse(specs)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${showPath(['models', ...issue.path])}: ${issue.message}`)
  throw new ConfigError('the models cannot be used:', problems)
}

function toConnectorSnapshot(name: string, connector: ConnectorConfig): ConnectorSnapshot {
  const url = parseOrigin(connector.url)
  if ('error' in url) throw new ConfigError(`connector "${name}": ${url.error}`)
  return {
    name,
    kind: 'http',
    url: url.origin,
    host: url.host,
    port: url.port,
    ...(connector.description !== undefined && { description: connector.description }),
    routes: connector.routes,
    ...(connector.openapi && { openapi: connector.openapi }),
  }
}

function toToolSnapshot(tool: ToolDefinition | undefined, name: string): ToolSnapshot {
  if (!tool) throw new ConfigError(`there is no tool "${name}"`)
  try {
    // What a caller writes, not what the schema makes of it: a field with a default may be left out.
    const { $schema: _, ...input } = z.toJSONSchema(tool.input, { io: 'input' })
    return { name: tool.name, description: tool.description, input, effects: tool.effects }
  } catch (error) {
    throw new ConfigError(
      `the arguments of tool "${name}" have no JSON Schema (${error instanceof Error ? error.message : String(error)}); use types that JSON has`,
      [],
      { cause: error },
    )
  }
}

function pick<T>(record: Record<string, T>, name: string): T {
  const found = Object.hasOwn(record, name) ? record[name] : undefined
  if (found === undefined) throw new ConfigError(`there is no connector "${name}"${suggest(name, Object.keys(record))}`)
  return found
}

/** A key that is present and undefined would hide what is inherited. */
function definedOnly<T extends object>(entry: T): Partial<T> {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as Partial<T>
}
