"""facts.py - what Rec 20 means where its columns do not say it

DEFINED: by code, what the unit is, exactly: where the symbol column is empty or means another unit
too (a "bbl (US)" holds oil or dry goods), and where the factor column is empty but the description
defines the unit. KINDS: quantities of one dimension that must not be taken for each other.
"""

DEFINED = {
    "BLD": "7056 in3", "CNT": "100 lb", "DRA": "60 gr", "DRM": "60 gr", "DRI": "1/16 oz",
    "DWT": "24 gr", "SCR": "20 gr", "LBT": "5760 gr", "E33": "1/1000 ft", "BHP": "550 ft lbf/s",
    "N72": "105480400 J", "M68": "128 ft3", "WCD": "128 ft3", "WSD": "165 ft3", "M70": "100 ft3",
    "C79": "1000 V A h", "M21": "1/(1000 V A h)", "TQD": "1000 m3/d", "FC": "1000 ft3",
    "HH": "100 ft3", "FF": "100 m3", "HMQ": "1000000 m3", "TI": "1000 in2", "BFT": "144 in3",
    "BP": "14400 in3", "MBF": "144000 in3", "LK": "0.66 ft", "QAN": "3 mo", "SAN": "6 mo",
    "DEC": "10 y", "A47": "g/(10000 m)", "A49": "g/(9000 m)", "D34": "g/km", "L95": "365 d",
    "M36": "30 d", "M37": "360 d", "H82": "1/72 in", "H80": "1.75 in", "H79": "1/3 mm",
    "BPM": "1/min", "OPM": "1/min", "RPM": "1/min", "L92": "ton (UK)/yd3",
    "L93": "ton (US)/yd3", "MAR": "1000000 W", "K3": "1000 W h", "KWY": "kW y", "TPI": "1/in",
    "Q37": "m3/d", "Q38": "m3/h", "Q39": "m3/d", "Q40": "m3/h", "G50": "gal (US)/h",
    "E16": "1000000 BtuIT/h", "DAA": "10 a", "DTN": "100 kg", "M97": "dyn m", "SMI": "mi",
    "E19": "400/121 m2", "P46": "lbmol/min", "Q35": "MW/min", "K43": "746 W", "AWG": None,
    "ACR": "43560 ft (US survey)2", "D47": "V/cm", "D95": "J/g", "C94": "1/min",
    # an electronvolt is measured, its multiples are not: a dimension of its own
    "A53": "eV", "A54": "eV/m", "A55": "eV m2", "A56": "eV m2/kg",
    "M46": "rev/min", "M45": "°/s2", "HN": "133.322387415 Pa", "J89": "1333.22387415 Pa",
    "K25": "304.8 133.322387415 Pa", "F79": "25.4 133.322387415 Pa", "HP": "9.80665 Pa",
    "H78": "98.0665 Pa", "K24": "304.8 9.80665 Pa", "F78": "25.4 9.80665 Pa", "HJ": "PS",
    "A25": "PS", "M86": "0.5 kg", "84": "1000 lbf/in2", "KNM": "1000 Pa", "M96": "pdl in",
    "L89": "ton (US)/(h °F)", "K70": "(lb/ft3)/psi", "L91": "ton (US)/psi",
    "FIT": "1/(1000000000 h)", "M43": "pi/3200 rad", "F89": "N m/°", "N97": "2.5/pi A",
    "66": "250/pi A/m", "P53": "0.00000004 pi Wb", "L84": "42 ft3", "L86": "40 ft3",
    # symbols that a measured or a traditional unit has in common with an exact one
    "J75": None, "K51": None, "R1": None, "N3": None, "80": None, "64": None, "C63": None,
}

# By Rec 20's own words these count single things: one, each and piece are the same 1, and a dozen
# is 12 of them. Pieces, pairs and packs of something narrower are not here.
COUNTS = {
    "C62": 1, "EA": 1, "H87": 1, "PR": 2, "DZN": 12, "DPC": 12, "SCO": 20, "CEN": 100, "HC": 100,
    "GRO": 144, "MIL": 1000, "T3": 1000, "GGR": 1728, "DZP": None, "MIO": 10 ** 6, "MLD": 10 ** 9,
    "BIL": 10 ** 12, "TRL": 10 ** 18, "DPR": 24, "TPR": 20,
}
COUNTS = {k: n for k, n in COUNTS.items() if n}

KINDS = {
    "2G": "alternating", "2H": "direct", "NM3": "normalised gas", "SM3": "standard gas",
    "Q39": "normalised gas", "Q40": "normalised gas", "Q37": "standard gas",
    "Q38": "standard gas", "MAR": "reactive", "K3": "reactive", "KVR": "reactive",
    "K5": "reactive", "C79": "apparent", "M21": "apparent",
}
SYMBOL_KINDS = [  # a pattern in the symbol column
    (r"var", "reactive"), (r"V·A|VA\b", "apparent"), (r"Sv|rem", "dose equivalent"),
    (r"Gy", "absorbed dose"), (r"Bq|Ci", "activity"), (r"kat", "catalytic activity"),
]
POINTS = {"KEL": "0", "CEL": "273.15", "FAH": "459.67", "A48": "0"}  # K = (x + this) * factor
