/** Stream features between servers: what we offer, and what a peer offers (RFC 6120 section 4.3.2). */
import { childOf, childrenOf, element, textOf, type Element } from '../xml/element.ts';
import { ns } from '../xml/namespaces.ts';

export interface OfferedFeatures {
  readonly startTls: boolean;
  readonly external: boolean;
  readonly dialback: boolean;
  /** Stream management (XEP-0198). */
  readonly acknowledges: boolean;
}

export function readFeatures(features: Element): OfferedFeatures {
  const mechanisms = childOf(features, 'mechanisms', ns.sasl);
  return {
    startTls: childOf(features, 'starttls', ns.tls) !== undefined,
    external:
      mechanisms !== undefined && childrenOf(mechanisms, 'mechanism', ns.sasl).some((mechanism) => textOf(mechanism).trim() === 'EXTERNAL'),
    dialback: childOf(features, 'dialback', ns.dialbackFeature) !== undefined,
    acknowledges: childOf(features, 'sm', ns.streamManagement) !== undefined,
  };
}

export interface FeaturesToOffer {
  readonly startTls: 'no' | 'optional' | 'required';
  readonly external: boolean;
  readonly dialback: boolean;
  readonly acknowledges: boolean;
  readonly stanzaBytes: number;
}

export function featuresElement(offer: FeaturesToOffer): Element {
  return element(
    'features',
    ns.streams,
    {},
    offer.startTls === 'no'
      ? undefined
      : element('starttls', ns.tls, {}, offer.startTls === 'required' ? element('required', ns.tls) : undefined),
    offer.external ? element('mechanisms', ns.sasl, {}, element('mechanism', ns.sasl, {}, 'EXTERNAL')) : undefined,
    offer.dialback ? element('dialback', ns.dialbackFeature, {}, element('errors', ns.dialbackFeature)) : undefined,
    offer.acknowledges ? element('sm', ns.streamManagement) : undefined,
    element('limits', ns.streamLimits, {}, element('max-bytes', ns.streamLimits, {}, String(offer.stanzaBytes))),
  );
}
