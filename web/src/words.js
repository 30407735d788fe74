// Words of the page in both languages.  What is missing in Urdu is shown in English.
const WORDS = {
  en: {
    search: "Search a place, district or site", layers: "Layers", Plan: "Plan", Today: "Today", Results: "Results of the engines",
    report: "Open the full report", close: "Close", why: "Why", source: "Source", engine: "Computed by", formula: "Formula",
    observed: "observed", modelled: "modelled, not observed", assumedLine: "assumed route", measuredLine: "known route",
    allFigures: "All figures", fewerFigures: "Fewer figures", nothing: "Nothing found", zoomIn: "Zoom in", zoomOut: "Zoom out",
    zoomFit: "Whole country", mapLabel: "Map of the plan. Arrow keys move, plus and minus zoom.", year: "Year",
    evidence: "{share} of the places on this map are modelled from district census totals, not observed.",
    simple: "simple model", published: "published", measured: "measured", derived: "derived", assumed: "assumed", synthetic: "synthetic",
    hint: "Click a number to see why it has that value.", loading: "Preparing the map…",
    failed: "This could not be read", noGl: "WebGL is not available: drawn on canvas", range: "range {low} – {high}",
    yes: "yes", no: "no",
    failTitle: "If this link fails", failBefore: "Before", failAfter: "After", failStruck: "On it when nothing fails",
    failOfAll: "{share} of the core's busy-hour traffic", failRerouted: "Finds another way", failLonger: "{km} km and {ms} ms there and back longer, on average",
    failWaiting: "No room unless other traffic moves", failWaitingHint: "the design, which may move all traffic, carries it", failCutOff: "Cut off",
    failCities: "without any way: {names}", failNoCity: "every city keeps a way", failFilled: "Links that fill", failChanged: "{n} other links carry more or less than before",
    failThis: "failed", failInUse: "in use", failRisen: "thick: carries more", failHow: "Traffic on the failed link takes the shortest way with room, the largest demand first; nothing else moves. Lines follow rights of way, not ducts.",
    "National core by share of capacity in use when nothing fails (not duct positions)": "National core by share of capacity in use (not duct positions)",
    skyOpen: "Show the sky", skyTitle: "The sky over a day", skyAxes: "Directions of the sky: zenith in the middle, north up, east to the right", skyTime: "Time of day",
    skyNow: "{time}: {n} satellites clear, {hidden} behind terrain", skyFixed: "Fixed: {list}", skyHow: "As filed, not the fleet of the day. Brown: terrain; dashed: least elevation; squares: geostationary.",
    skyCoarse: "Coarse terrain smooths valleys away: the rim is too low here. Import a terrain raster.",
    hopTitle: "Profile and budget", hopNone: "No path to draw", hopAxes: "Metres above sea level over kilometres from {name}, at k = 4/3",
    hopGround: "ground", hopSight: "line of sight", hopZone: "first Fresnel zone, dark: 60 %", hopLow: "tops at {k}", hopWorst: "worst clearance: {ratio} of the zone at {k}",
    hopRadio: "Radio and dish, both ends", hopLength: "Direct path", hopState: "Clearance", hopClear: "clear by ITU-R P.530", hopBlocked: "not shown to be clear", hopRaise: "both masts lack {m} m",
    hopMean: "Mean capacity in a year", hopMode: "Modulation", hopMargin: "Margin", hopYear: "Year", hopTerms: "Every term of the budget", hopPath: "The path",
    hopCoarse: "Coarse terrain of some 9 km: it tells plain from mountain, never a line of sight. Import a terrain raster.", hopBare: "No terrain is known: the path counts as clear.",
    hopRelays: "The plan counts on {n} relays at places not chosen yet: this is the direct path.", hopHow: "ITU-R P.530-18 with national defaults for rain and refraction; dish: the smallest that holds 99.99 % of the year, else the best.",
    coarse: "coarse terrain",
    eventChoose: "Play an event hour by hour", eventNone: "no event", eventPlay: "Play", eventPause: "Pause", eventTime: "Hour of the event",
    eventHour: "Hour {hour}", eventDay: "Hour {hour} · day {day}", eventHourShort: "{n} h", eventDayShort: "day {n}",
    eventPeople: "people without service ({share})", eventPeopleOf: "people of {region} without service ({share})", eventSites: "of {total} sites down, {cut} more cut off",
    eventPlaces: "Places by what they live on at this hour", eventScenario: "a scenario, nothing that happened", eventPreparing: "Preparing the event",
    event_supply: "served", event_battery: "served, on battery", event_generator: "served, on generator", event_dark: "no power left", event_damaged: "damaged", event_cut_off: "cut off",
    eventStep_reading: "Reading the plan…", eventStep_network: "Joining sites, batteries and links…", eventStep_playing: "Playing the event…", eventStep_packing: "Packing the hours…", eventStep_done: "Ready",
    eventChartSites: "Share of all sites down. Line: the course on the map; band: range of the model; red: as reported.",
    eventChartPeople: "Share of people without service. Line: the course on the map; band: range of the model; red: as reported.",
    eventReport: "Hour {hour}, {what}: reported {reported}, model {predicted} ({low} to {high}), {fits}", eventInBand: "in the band", eventOffBand: "outside the band",
    n_sites_down: "sites down", sites_down_frac: "share of sites down", people_out_frac: "share of people without service",
    eventReports: "Reported against the model", eventAbout: "How this is known",
    eventHow: "Numbers beside the legend are places. The map shows one course of {n} drawn, the one nearest to their mean: which place fails is one possibility. Service up to the site; nothing is tuned to the event.",
    eventRevenue: "Revenue lost over the event: US$ {middle} ({low} to {high}).", eventInputs: "Inputs:", eventOtherPlan: "the plan has changed: open the page again",
    eventPlaceLost: "Without service {n} of {total} hours in the course on the map.", eventPlaceKept: "Keeps its service in the course on the map.",
    questionMark: "?", sure_measured: "measured", sure_calibrated: "calibrated", sure_modelled: "modelled", sure_assumed: "assumed", planned: "to be built", works: "works", worksNot: "does not work",
  },
  ur: {
    search: "جگہ، ضلع یا ٹاور تلاش کریں", layers: "تہیں", Plan: "منصوبہ", Today: "آج", Results: "نتائج",
    report: "مکمل رپورٹ کھولیں", close: "بند کریں", why: "کیوں", source: "ماخذ", engine: "حساب", formula: "فارمولا",
    observed: "مشاہدہ شدہ", modelled: "تخمینی، مشاہدہ شدہ نہیں", assumedLine: "فرضی راستہ", measuredLine: "معلوم راستہ",
    allFigures: "تمام اعداد", fewerFigures: "کم اعداد", nothing: "کچھ نہیں ملا", zoomIn: "قریب", zoomOut: "دور",
    zoomFit: "پورا ملک", mapLabel: "منصوبے کا نقشہ", year: "سال",
    evidence: "اس نقشے کے {share} مقامات ضلعی مردم شماری سے تخمینہ شدہ ہیں، مشاہدہ شدہ نہیں۔",
    simple: "سادہ ماڈل", published: "شائع شدہ", measured: "پیمائش شدہ", derived: "اخذ شدہ", assumed: "مفروضہ", synthetic: "مصنوعی",
    hint: "وجہ جاننے کے لیے عدد پر کلک کریں۔", loading: "نقشہ تیار ہو رہا ہے…",
    failed: "یہ پڑھا نہیں جا سکا", noGl: "ویب جی ایل دستیاب نہیں", range: "حد {low} – {high}", yes: "ہاں", no: "نہیں",
    failTitle: "اگر یہ رابطہ ٹوٹ جائے", failBefore: "پہلے", failAfter: "بعد میں", failStruck: "معمول میں اس پر ٹریفک",
    failOfAll: "مرکزی نیٹ ورک کی مصروف گھنٹے کی ٹریفک کا {share}", failRerouted: "دوسرا راستہ پاتی ہے", failLonger: "اوسطاً {km} کلومیٹر اور آنے جانے میں {ms} ملی سیکنڈ زیادہ",
    failWaiting: "جگہ نہیں جب تک دوسری ٹریفک نہ ہٹے", failWaitingHint: "منصوبہ پوری ٹریفک ہٹا کر اسے اٹھا لیتا ہے", failCutOff: "کٹ جاتی ہے",
    failCities: "بغیر کسی راستے کے: {names}", failNoCity: "ہر شہر کا راستہ قائم رہتا ہے", failFilled: "بھر جانے والے رابطے", failChanged: "{n} دوسرے رابطوں پر ٹریفک بدلتی ہے",
    failThis: "ٹوٹا ہوا", failInUse: "زیرِ استعمال", failRisen: "موٹی لکیر: زیادہ ٹریفک", failHow: "ٹوٹے رابطے کی ٹریفک گنجائش والا مختصر ترین راستہ لیتی ہے، بڑی طلب پہلے؛ باقی ٹریفک نہیں ہٹتی۔ لکیریں سڑکوں کے ساتھ ہیں، کیبل کی جگہ نہیں۔",
    "National core by share of capacity in use when nothing fails (not duct positions)": "قومی مرکزی نیٹ ورک: گنجائش کا استعمال",
    skyOpen: "آسمان دکھائیں", skyTitle: "دن بھر کا آسمان", skyAxes: "آسمان کی سمتیں: بیچ میں سر کے اوپر، اوپر شمال، دائیں مشرق", skyTime: "دن کا وقت",
    skyNow: "{time}: {n} سیٹلائٹ صاف، {hidden} پہاڑ کے پیچھے", skyFixed: "ساکن: {list}", skyHow: "جیسا درج ہے، آج کا بیڑا نہیں۔ بھورا: زمین؛ نقطے دار: کم از کم بلندی؛ مربعے: ساکن سیٹلائٹ۔",
    skyCoarse: "موٹی سطحِ زمین وادیوں کو ہموار کر دیتی ہے: یہاں افق حقیقت سے نیچا ہے۔ باریک سطحِ زمین شامل کریں۔",
    hopTitle: "زمینی خاکہ اور حساب", hopNone: "خاکہ نہیں بن سکتا", hopAxes: "سطحِ سمندر سے بلندی (میٹر)، {name} سے فاصلہ (کلومیٹر)، \u2066k = 4/3\u2069",
    hopGround: "زمین", hopSight: "خطِ نظر", hopZone: "فرینل زون، گہرا: 60 فیصد", hopLow: "{k} پر بلندی", hopWorst: "کم ترین فاصلہ: زون کا {ratio}، {k}",
    hopRadio: "ریڈیو اور ڈش، دونوں سرے", hopLength: "براہِ راست راستہ", hopState: "رکاوٹ", hopClear: "ITU-R P.530 کے مطابق صاف", hopBlocked: "صاف ثابت نہیں", hopRaise: "دونوں مستول {m} میٹر کم",
    hopMean: "سال کی اوسط گنجائش", hopMode: "ماڈیولیشن", hopMargin: "مارجن", hopYear: "سال", hopTerms: "حساب کی ہر مد", hopPath: "راستہ",
    hopCoarse: "زمین کا خاکہ تقریباً 9 کلومیٹر کا ہے: میدان اور پہاڑ کا فرق بتاتا ہے، خطِ نظر نہیں۔ بہتر نقشہ درآمد کریں۔", hopBare: "زمین کی بلندی معلوم نہیں: راستہ صاف مانا گیا۔",
    hopRelays: "منصوبہ {n} درمیانی ٹاور مانتا ہے جن کی جگہ طے نہیں: یہ براہِ راست راستہ ہے۔", hopHow: "ITU-R P.530-18، بارش اور انعطاف کی قومی قدریں؛ سب سے چھوٹی ڈش جو سال کا 99.99 فیصد قائم رہے۔",
    coarse: "موٹا زمینی خاکہ", "Microwave hops": "مائیکروویو رابطے", "Microwave hops clear of terrain": "زمین سے صاف مائیکروویو رابطے", "Cells: busy-hour load": "سیل: مصروف گھنٹے کا بوجھ",
    "with 90 % confidence": "90 فیصد یقین سے", "less surely": "کم یقین سے", "likelier than not": "غالباً", "not covered": "کوریج نہیں", "4G cover": "فور جی کوریج", "5G cover": "فائیو جی کوریج", "5G sites by busy-hour load": "فائیو جی ٹاور: مصروف گھنٹے کا بوجھ", "microwave hops": "مائیکروویو رابطہ",
    "Sites fed by microwave": "مائیکروویو سے جڑے ٹاور", "Radio: busy-hour rate of one user": "ریڈیو: مصروف گھنٹے کی رفتار",
    eventChoose: "واقعہ گھنٹہ بہ گھنٹہ چلائیں", eventNone: "کوئی واقعہ نہیں", eventPlay: "چلائیں", eventPause: "روکیں", eventTime: "واقعے کا گھنٹہ",
    eventHour: "گھنٹہ {hour}", eventDay: "گھنٹہ {hour} · دن {day}", eventHourShort: "{n} گھنٹے", eventDayShort: "دن {n}",
    eventPeople: "افراد بغیر سروس ({share})", eventPeopleOf: "{region} کے افراد بغیر سروس ({share})", eventSites: "ٹاور بند، مزید {cut} کا رابطہ منقطع، کل {total}",
    eventPlaces: "اس گھنٹے مقامات کی حالت", eventScenario: "فرضی واقعہ", eventPreparing: "واقعہ تیار ہو رہا ہے",
    event_supply: "سروس بحال", event_battery: "بیٹری پر", event_generator: "جنریٹر پر", event_dark: "بجلی ختم", event_damaged: "نقصان زدہ", event_cut_off: "رابطہ منقطع",
    eventStep_reading: "منصوبہ پڑھا جا رہا ہے…", eventStep_network: "ٹاور، بیٹریاں اور رابطے جوڑے جا رہے ہیں…", eventStep_playing: "واقعہ چلایا جا رہا ہے…", eventStep_packing: "گھنٹے سمیٹے جا رہے ہیں…", eventStep_done: "تیار",
    eventChartSites: "بند ٹاوروں کا حصہ۔ لکیر: نقشے والی صورت؛ پٹی: ماڈل کی حد؛ سرخ: رپورٹ شدہ۔",
    eventChartPeople: "بغیر سروس افراد کا حصہ۔ لکیر: نقشے والی صورت؛ پٹی: ماڈل کی حد؛ سرخ: رپورٹ شدہ۔",
    eventReport: "گھنٹہ {hour}، {what}: رپورٹ {reported}، ماڈل {predicted} ({low} تا {high})، {fits}", eventInBand: "حد کے اندر", eventOffBand: "حد سے باہر",
    n_sites_down: "بند ٹاور", sites_down_frac: "بند ٹاوروں کا حصہ", people_out_frac: "بغیر سروس افراد کا حصہ",
    eventReports: "رپورٹ اور ماڈل کا موازنہ", eventAbout: "یہ کیسے معلوم ہوا",
    eventHow: "فہرست کے اعداد مقامات ہیں۔ نقشہ {n} میں سے اوسط سے قریب ترین صورت دکھاتا ہے: کون سا مقام متاثر ہوا، یہ ایک امکان ہے۔ سروس ٹاور تک ہے؛ واقعے کے مطابق کچھ ڈھالا نہیں گیا۔",
    eventRevenue: "پورے واقعے میں آمدنی کا نقصان: {middle} ڈالر ({low} تا {high})۔", eventInputs: "مفروضات:", eventOtherPlan: "منصوبہ بدل گیا ہے: صفحہ دوبارہ کھولیں",
    eventPlaceLost: "نقشے والی صورت میں {total} میں سے {n} گھنٹے بغیر سروس۔", eventPlaceKept: "نقشے والی صورت میں سروس قائم رہتی ہے۔",
    "Failure of the national grid on 23 January 2023 from 07:34": "قومی گرڈ کی بندش، 23 جنوری 2023، صبح 07:34 سے", "Floods of August 2022 from the peak of 28 August": "اگست 2022 کے سیلاب، 28 اگست کے عروج سے",
    "Flash floods in Swat, Buner and Shangla on 15 August 2025": "سوات، بونیر اور شانگلہ کے سیلابی ریلے، 15 اگست 2025", "Flash flood at Babusar on 23 July 2025": "بابوسر کا سیلابی ریلا، 23 جولائی 2025", "Scenario: earthquake of magnitude 7 in Hazara and Kashmir": "فرضی: ہزارہ اور کشمیر میں 7 شدت کا زلزلہ", "Gilgit-Baltistan": "گلگت بلتستان",
    questionMark: "؟", planned: "مجوزہ تعمیر", works: "کام کرتا ہے", worksNot: "کام نہیں کرتا", sure_measured: "پیمائش شدہ", sure_calibrated: "ہم آہنگ", sure_modelled: "ماڈل سے", sure_assumed: "مفروضہ",
    "Existing fibre": "موجودہ فائبر", "Planned fibre": "مجوزہ فائبر", "Places by technology": "مقامات بلحاظ ٹیکنالوجی",
    "Speed at each place": "ہر مقام پر رفتار", "Cell sites by backhaul": "موبائل ٹاور", "Planned sites": "مجوزہ ٹاور",
    "Cable landings and crossings": "کیبل اور سرحدی گزرگاہیں", "Ports, airports, crossings": "بندرگاہیں، ہوائی اڈے، گزرگاہیں",
    "Roads and railways": "سڑکیں اور ریلوے", fibre: "فائبر", satellite: "سیٹلائٹ", none: "کوئی نہیں", microwave: "مائیکروویو",
    "community wifi": "کمیونٹی وائی فائی", "microwave site": "مائیکروویو ٹاور", "fwa 5g": "فائیو جی گھریلو", "mobile 5g": "موبائل فائیو جی",
    "mobile 4g": "موبائل فور جی", port: "بندرگاہ", airport: "ہوائی اڈہ", "border crossing": "سرحدی گزرگاہ", waypoint: "مقامِ راہ",
    places: "مقام", districts: "ضلع", people: "افراد", households: "گھرانے", technology: "ٹیکنالوجی",
    boundary: "دکھائی گئی حدود اور نام قانونی حیثیت کے بارے میں کسی رائے کا اظہار نہیں؛ متنازع لکیریں تقریبی ہیں۔",
  },
};

let language = "en";

/** Choose the language: "en" or "ur". */
export function setLanguage(code) {
  language = code;
}

/** Return the language in use. */
export function currentLanguage() {
  return language;
}

/** Return a word or sentence in the language in use, with {parts} filled in. */
export function word(key, parts = {}) {
  const text = WORDS[language][key] ?? WORDS.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => parts[name] ?? "");
}

/** Return the name to print: the local one in Urdu where there is one. */
export function nameOf(row) {
  const local = language === "ur" && row.name_local;
  return { text: local ? row.name_local : row.name, lang: local ? "ur" : "en" };
}

const PLAIN = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** Return a number as a reader wants it: three or four significant digits, millions as M. */
export function numberText(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(3))} bn`;
  if (size >= 1e7) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size >= 1000 || Number.isInteger(value)) return PLAIN.format(value);
  if (size === 0) return "0";
  return String(Number(value.toPrecision(size < 1 ? 2 : 3)));
}

const UNITS = {
  mbps: "Mbit/s", gbps: "Gbit/s", tbps: "Tbit/s", usd: "USD", usd_per_year: "USD/year", usd_per_month: "USD/month", ms: "ms", km: "km",
  h_per_year: "h/year", h_per_day: "h/day", l_per_year: "L/year", kwh_per_year: "kWh/year", pct: "%", people: "", households: "", sites: "",
  gb_per_month: "GB/month", share: "", frac: "", count: "",
};

/** Return a unit as it is printed. */
export function unitText(unit) {
  return UNITS[unit] ?? (unit ?? "").replaceAll("_", " ");
}

/** Return a share of one as per cent; shares near one keep their nines. */
export function shareText(value) {
  const left = 1 - value;
  const digits = left > 0 && left < 0.01 ? Math.min(4, Math.ceil(-Math.log10(left)) - 1) : value > 0 && value < 0.1 ? 1 : 0;
  return `${(100 * value).toFixed(digits)} %`;
}

/** Return a share of one for a badge: whole per cent, never rounded up to all of it. */
export function roundShareText(value) {
  if (value > 0.99 && value < 1) return "> 99 %";
  return value > 0 && value < 0.01 ? "< 1 %" : `${Math.round(100 * value)} %`;
}
