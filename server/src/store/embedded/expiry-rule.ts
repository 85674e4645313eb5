/** How much later than its time to live a record expires. */
export interface ExpiryRule {
  /** ρ: how far apart two clocks' rates may be. 0.01 is 1 %. */
  readonly clockRateDrift: number;
  /** δ, in milliseconds. */
  readonly clockMarginMs: number;
}
