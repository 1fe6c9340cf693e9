/**
 * Where a config names a value that lives outside it. Markers are inert: they say which value is meant, and are resolved
 * only by the role that may hold it (secrets: egress and model).
 */
export interface EnvMarker {
  readonly kind: 'env'
  readonly name: string
  /** Used when the variable is not set. */
  readonly fallback?: string
}

export interface SecretMarker {
  readonly kind: 'secret'
  readonly name: string
}

export type Marker = EnvMarker | SecretMarker

/** Answers the value a marker names, or null where there is none. */
export type ResolveSecret = (name: string, kind: Marker['kind']) => string | null

/** A setting from the environment of the process that uses it. Not for credentials: see `secret`. */
export function env(name: string, fallback?: string): EnvMarker {
  return fallback === undefined ? { kind: 'env', name } : { kind: 'env', name, fallback }
}

/** A credential by name. Models, sandboxes, histories and logs never see its value. */
export function secret(name: string): SecretMarker {
  return { kind: 'secret', name }
}

export function isMarker(value: unknown): value is Marker {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    (value.kind === 'env' || value.kind === 'secret') &&
    'name' in value &&
    typeof value.name === 'string'
  )
}

/**
 * Resolves markers and collects what is missing, so that one error names everything that has to be set.
 * `read` answers an empty string for a missing value: call `missing` before using any.
 */
export function createResolver(resolve: ResolveSecret): {
  read(value: string | Marker, usedAt: string): string
  /** One line for each value that is not there. */
  missing(): string[]
} {
  const missing: string[] = []
  return {
    read(value, usedAt) {
      if (!isMarker(value)) return value
      // A variable that is set to nothing is as good as not set.
      const found = resolve(value.name, value.kind) || (value.kind === 'env' ? value.fallback : null)
      if (found) return found
      missing.push(
        `${usedAt}: ${value.kind}('${value.name}') has no value; set the environment variable ${value.name} where the worker starts`,
      )
      return ''
    },
    missing: () => missing,
  }
}
