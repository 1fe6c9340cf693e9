/** One field that differs between two images. Values are JSON text, shortened; null: the field was not there. */
export interface FieldChange {
  /** Dotted path; empty for the whole body. */
  readonly path: string
  readonly before: string | null
  readonly after: string | null
}
