// Words of the live page in both languages.  What is missing in Urdu is shown in English.
const WORDS = {
  en: {
    without: "customers without service", atRisk: "customers at risk", incidents: "Incidents", alarms: "alarms", alarm: "alarm", practice: "practice: {event} is played, clock × {speed}", fast: "clock × {speed}", events: "in the last minute", customers: "customers",
    connected: "live", waiting: "connecting", lost: "connection lost: trying again", search: "Search incidents", listTitle: "Incidents, most customers first", nothing: "Nothing is wrong.", nothingHint: "Alarms that belong together appear here as one incident, with its cause.", noMatch: "No incident matches.",
    timeTitle: "What came in, minute by minute", mapLabel: "Map: arrow keys move, plus and minus zoom", zoomIn: "Zoom in", zoomOut: "Zoom out", zoomFit: "Whole country",
    served: "served", risk: "at risk", out: "without service", marker: "cause of an incident",
    kind_duct: "Duct cut", kind_link: "Link down", kind_power: "Power lost", kind_feeder: "Power feeder lost", kind_node: "Site down", kind_site: "Site down", kind_equipment: "Equipment fault", kind_software: "Software fault", kind_unknown: "Unknown thing", kind_area: "Many sites in one area", kind_radio: "Radio link down", kind_gateway: "Gateway down", kind_alarm: "Alarm",
    now: "Now", places: "places", mbps: "Mbit/s lost", nextHours: "The next hours", why: "Why we think so", protection: "Protection lost for", nextFailure: "One more failure here would cut places off", actions: "Proposed actions", symptoms: "Symptoms", symptomsHint: "Alarms that this cause explains. They need no action of their own.", notes: "Notes", hints: "Hints (not proven)", whyText: "What was heard ({n}) fits this one cause, and nothing that stayed silent speaks against it more than for another.", whyRivals: "What was heard ({n}) fits this cause; these would explain as much: {rivals}.", thinking: "reading {n} alarms…", confidence: "sure to {share}",
    ack: "Acknowledge", unack: "Take back", shelve: "Shelve", unshelve: "Unshelve", close: "Close incident", addNote: "Add note", notePlaceholder: "What should the next shift know?", you: "Your name", back: "Back",
    acked: "acknowledged by {who}", shelved: "shelved by {who}", closed: "closed by {who}", over: "over", maintenance: "planned work", flapping: "comes and goes", since: "since {time}",
    nobody: "nobody lost service", more: "and {n} more", forecastNone: "Nothing further is foreseen.", forecastIn: "in {time}: {what}", unknownThing: "not in the plan", whatIf: "What if this fails too?", whatIfPlaceholder: "Name of a site or link", ask: "Ask", whatIfAnswer: "{n} more customers would lose service ({total} in all).",
    keysTitle: "Keys", keysDo: "j / k;next / previous incident|Enter;open its story|Esc;close the story|a;acknowledge|s;shelve (hide until unshelved)|n;write a note|m;whole country on the map|/;search|?;this help", meaning: "What the words mean",
    meanings: "Incident;one cause and every alarm it explains|Symptom;an alarm that follows from the cause|At risk;still served, but on battery or its protection is lost|Acknowledged;somebody has it in hand|Shelved;hidden on purpose; it comes back when unshelved|Sure to;how much of the evidence that the cause would give was seen",
    sendCrew: "Send a crew to {name} ({place}): about {hours} h of work, assumed", takeGenerator: "Take a generator to {name} before {time} UTC: {n} customers", followRunbook: "Runbook: {page}", runbook: "Runbook",
    orders: "Who goes", crewStop: "there", noCrew: "No crew on duty can do this work.", ordersBest: "Best of all orders for {n} open incidents.", ordersNear: "For the {n} worst open incidents; at most {share} above the best.", detours: "Ways round in the national core", carries: "carries {n} Gbit/s in the busy hour", wayFree: "{free} Gbit/s free, {km} km, {ms} ms more", noWay: "No way leads round it.",
    circuits: "Circuits sold and government circuits", circuitMoney: "this month {min} min down; credit {credit} of {charge} USD", legHint: "Circuits are moved and minutes counted once you say which leg is struck.", leg: "Leg", legFailed: "Leg is struck", legRepaired: "Leg is whole", forms: "What the authority wants", form_first: "First notice", form_full: "Full report", due: "due", wasDue: "was due", notAskedFor: "Not asked for at this severity.", missing: "Still to be said: {what}.",
    done: "Done", failed: "That did not work", missed: "{n} earlier events are in the history", minutesAgo: "{n} min", hoursAgo: "{n} h {m} min", secondsAgo: "{n} s", daysAgo: "{n} d {m} h", boundary: "Boundaries and names shown do not imply any opinion on legal status; disputed lines are approximate.", trouble: "Part of the server has a problem: {what}",
  },
  ur: {
    without: "صارفین سروس کے بغیر", atRisk: "صارفین خطرے میں", incidents: "واقعات", alarms: "الارم", alarm: "الارم", practice: "مشق: {event} کی نقل، گھڑی × {speed}", fast: "گھڑی × {speed}", events: "پیغامات فی منٹ", customers: "صارفین",
    connected: "براہِ راست", waiting: "رابطہ ہو رہا ہے", lost: "رابطہ ٹوٹ گیا: دوبارہ کوشش جاری ہے", search: "واقعات تلاش کریں", listTitle: "واقعات، زیادہ صارفین پہلے", nothing: "سب ٹھیک ہے۔", nothingHint: "ایک ہی وجہ کے الارم یہاں ایک واقعے کے طور پر آتے ہیں۔", noMatch: "کوئی واقعہ نہیں ملا۔",
    timeTitle: "کیا آیا، منٹ بہ منٹ", mapLabel: "نقشہ", zoomIn: "قریب", zoomOut: "دور", zoomFit: "پورا ملک",
    served: "سروس موجود", risk: "خطرے میں", out: "سروس کے بغیر", marker: "واقعے کی وجہ",
    kind_duct: "ڈکٹ کٹ گئی", kind_link: "رابطہ بند", kind_power: "بجلی بند", kind_feeder: "فیڈر بند", kind_node: "سائٹ بند", kind_site: "سائٹ بند", kind_equipment: "آلے کی خرابی", kind_software: "سافٹ ویئر کی خرابی", kind_unknown: "نامعلوم چیز", kind_area: "ایک علاقے کی کئی سائٹیں", kind_radio: "ریڈیو رابطہ بند", kind_gateway: "گیٹ وے بند", kind_alarm: "الارم",
    now: "اس وقت", places: "مقامات", mbps: "میگابٹ فی سیکنڈ کا نقصان", nextHours: "اگلے گھنٹے", why: "یہ کیوں سمجھا گیا", protection: "متبادل راستہ ختم", nextFailure: "یہاں ایک اور خرابی مقامات کو کاٹ دے گی", actions: "مجوزہ اقدامات", symptoms: "علامات", symptomsHint: "یہ الارم اسی وجہ سے ہیں۔", notes: "نوٹ", hints: "اشارے (ثابت نہیں)", confidence: "یقین {share}",
    ack: "ذمہ لیں", unack: "واپس لیں", shelve: "چھپائیں", unshelve: "واپس دکھائیں", close: "واقعہ بند کریں", addNote: "نوٹ لکھیں", notePlaceholder: "اگلی شفٹ کو کیا معلوم ہونا چاہیے؟", you: "آپ کا نام", back: "واپس",
    acked: "{who} نے ذمہ لیا", shelved: "{who} نے چھپایا", closed: "{who} نے بند کیا", over: "ختم", maintenance: "طے شدہ کام", flapping: "آتا جاتا ہے", since: "{time} سے",
    nobody: "کسی کی سروس نہیں گئی", more: "اور {n}", forecastNone: "آگے کچھ متوقع نہیں۔", forecastIn: "{time} میں: {what}", unknownThing: "منصوبے میں نہیں",
    sendCrew: "عملہ بھیجیں: {name} ({place})، تقریباً {hours} گھنٹے کا کام (اندازہ)", takeGenerator: "جنریٹر لے جائیں: {name}، {time} UTC سے پہلے، {n} صارفین", followRunbook: "طریقۂ کار: {page}", runbook: "طریقۂ کار", whyText: "{n} الارم اسی ایک وجہ سے ملتے ہیں۔", whyRivals: "{n} الارم اس وجہ سے ملتے ہیں؛ یہ بھی اتنا ہی سمجھاتے ہیں: {rivals}",
    orders: "کون جائے", crewStop: "پہنچے گا", noCrew: "اس کام کے لیے کوئی عملہ نہیں۔", detours: "متبادل راستے", circuits: "فروخت شدہ اور سرکاری سرکٹ", forms: "اتھارٹی کی رپورٹ", form_first: "پہلی اطلاع", form_full: "مکمل رپورٹ", due: "آخری وقت", wasDue: "وقت گزر گیا", missing: "ابھی بتانا باقی: {what}", whatIf: "اگر یہ بھی خراب ہو؟", whatIfPlaceholder: "سائٹ یا رابطے کا نام", ask: "پوچھیں", whatIfAnswer: "مزید {n} صارفین کی سروس جائے گی (کل {total})۔", thinking: "{n} الارم پڑھے جا رہے ہیں…", trouble: "سرور کے ایک حصے میں مسئلہ ہے: {what}",
    keysTitle: "کلیدیں", meaning: "الفاظ کے معنی", done: "ہو گیا", failed: "یہ نہیں ہو سکا",
  },
};
let language = "en";
export const currentLanguage = () => language;
export function setLanguage(next) { language = next in WORDS ? next : "en"; }
/** Return a text in the present language; `{name}` is filled in, apart from the direction of the text around it. */
export function word(key, values = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => `\u2068${values[name] ?? ""}\u2069`);
}
export const hasWord = (key) => key in WORDS.en;
