/** What the commands about services are asked for. */
export interface ServiceInput {
  readonly names: readonly string[];
  readonly system: boolean;
  readonly print: boolean;
  readonly json: boolean;
}
