import type { ConfigInput } from './schema.ts'

/** Types a config file: `export default defineConfig({ … })`. Answers its argument; it is checked when it is loaded. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
