import type { RetentionView } from '../../shared/api/client.generated';
import type { Locale } from '../../shared/i18n/i18n';

/** Kinds of data in German; the service says them in English. */
const german: Record<string, string> = {
  idempotent_answer: 'Antworten für Anfragen, die mit demselben Schlüssel noch einmal kommen',
  operation_file: 'Dateien von Exporten, erzeugten Codes und Uploads, sobald der Vorgang vorbei ist',
  operation: 'Beendete Vorgänge mit ihren Fehlern',
  session: 'Beendete Sitzungen',
  invitation: 'Abgelaufene Einladungen',
  failed_sign_in: 'Zähler fehlgeschlagener Anmeldungen, nach einem Hash der Adresse',
  security_alert: 'Erledigte Sicherheitswarnungen',
  coupon_alert: 'Erledigte Warnungen zu Gutscheinen',
  request_origin: 'Adressen, von denen Personal und Händler etwas geändert haben',
  approval: 'Entschiedene Freigaben mit dem, was gezeigt wurde, und der Begründung',
  emergency: 'Geprüfte Notfälle',
  reveal_reason: 'Begründungen, mit denen persönliche Daten aufgedeckt wurden',
  privacy_request: 'Entschiedene Anträge Betroffener mit ihrem Nachweis',
  legal_hold: 'Beendete Aufbewahrungspflichten',
  retention_report: 'Berichte über Gelöschtes, Archiviertes und Zurückgehaltenes',
  archive: 'Archiviertes',
  bulk_change: 'Massenänderungen, die nicht mehr zurückgenommen werden können, mit dem Stand davor',
  unit_change: 'Änderungen vieler Stücke, die nicht mehr zurückgenommen werden können, mit dem Zustand davor',
  quote_receipt: 'Belege von Preisanfragen',
  attempt_receipt: 'Belege von Reservierungen und Ablehnungen',
  sale_receipt: 'Belege von Einlösungen',
  attempt_origin: 'Adressen und Geräte von Versuchen, um Betrug zu finden',
  refusal: 'Abgelehnte Versuche',
  reservation: 'Reservierungen, die eingelöst, freigegeben oder verfallen sind',
  held_cart: 'Warenkörbe, die für eine Kasse gehalten wurden',
  order_customer: 'Wer was gekauft hat: die Kundin oder der Kunde einer Bestellung und was damals bekannt war',
  partner_call: 'Aufrufe von Partnern mit dem Anfang der Antwort',
  awaited_callback: 'Rückmeldungen, die kamen oder auf die niemand mehr wartet',
  callback_id: 'Kennungen von Rückmeldungen, damit jede einmal zählt',
  webhook_delivery: 'Zugestellte Webhook-Nachrichten',
  failed_delivery: 'Aufgegebene Webhook-Nachrichten',
  partner_command: 'Was Partnern gesagt und von ihnen bestätigt oder von Menschen erledigt wurde',
  command_batch: 'Gutscheine von Befehlen, die es nicht mehr gibt',
  outside_event: 'Erledigtes, das andere Systeme eingereicht haben',
  expiry_alert: 'Erledigte Warnungen der Ablaufsteuerung',
  expiry_change: 'Verlängerungen, vorzeitige Enden und Stornos: was verlangt wurde und warum',
  expiry_figures: 'Kennzahlen der Ablaufsteuerung je Minute',
  notification: 'Nachrichten an Kunden, die gesendet oder aufgegeben sind',
  node: 'Knoten, die es nicht mehr gibt',
};

/** What a kind of data is, without the full stop of a sentence. */
export const kindText = ({ data_kind: kind, description }: Pick<RetentionView, 'data_kind' | 'description'>, locale: Locale) =>
  (locale === 'de' ? german[kind] : undefined) ?? description.replace(/\.$/, '');
