# files of the plant's supplier portal
plant_portal =
