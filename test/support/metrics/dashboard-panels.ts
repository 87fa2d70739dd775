/** A panel of a dashboard, as far as tests look at it. */
interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: ReadonlyArray<{ readonly expr: string }>;
}

/** The panels of a dashboard of Grafana's. */
export function panelsOf(dashboard: object): readonly Panel[] {
  return (dashboard as { readonly panels: readonly Panel[] }).panels;
}

/** The queries of all its panels. */
export function queriesOf(dashboard: object): readonly string[] {
  return panelsOf(dashboard).flatMap(({ targets }) => targets.map(({ expr }) => expr));
}
