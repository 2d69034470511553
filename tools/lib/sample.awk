# sample.awk - invented plant data, the same for the same seed
#
#   awk -f sample.awk -v what=moves -v n=600 -v seed=1    stock moves as CSV
#   awk -f sample.awk -v what=bom   -v n=120 -v seed=1    BOM lines as JSON
#   awk -f sample.awk -v what=event -v n=60  -v seed=1    quality events, one CloudEvent a line

# a generator of our own: rand() differs from awk to awk
function draw(limit) {
    state = (state * 1103 + 12289) % 1048573
    return state % limit
}

function item(i) {
    return sprintf("%s-%03d", part[i % 12], 100 + i * 7 % 900)
}

BEGIN {
    state = seed * 7919 % 1048573 + 17
    split("FRAME HUB SPOKE RIM AXLE FORK SEAT LAMP CHAIN PEDAL GRIP BELL", raw, " ")
    for (i = 1; i <= 12; i++)
        part[i - 1] = raw[i]
    split("receipt issue transfer scrap count", kind, " ")
    split("EA KGM MTR", unit, " ")
    if (what == "moves") {
        print "move,item,kind,quantity,unit,location,lot,line"
        for (i = 1; i <= n; i++)
            printf "MV-%06d,%s,%s,%d.%02d,%s,\"HALL %d, BIN %c%d\",LOT-%04d,%d\n", i, \
                item(draw(40)), kind[1 + draw(5)], 1 + draw(400), draw(4) * 25, unit[1 + draw(3)], \
                1 + draw(4), 65 + draw(6), 1 + draw(30), 1 + draw(900), i
    } else if (what == "bom") {
        print "{\"release\":\"EN-2207\",\"lines\":["
        for (i = 1; i <= n; i++)
            printf "%s{\"id\":\"BL-%05d\",\"line\":%d,\"assembly\":\"BIKE-%02d\",\"component\":\"%s\"," \
                "\"quantity\":%d.%d0,\"unit\":\"EA\",\"position\":%d}\n", (i > 1 ? "," : ""), i, i, \
                1 + int((i - 1) / 15), item(draw(40)), 1 + draw(36), draw(2) * 5, 10 * (1 + (i - 1) % 15)
        print "]}"
    } else {
        for (i = 1; i <= n; i++)
            printf "{\"specversion\":\"1.0\",\"id\":\"QN-%04d\",\"source\":\"/mes/line-%d\"," \
                "\"type\":\"mfg.quality.event\",\"item\":\"%s\",\"data\":{\"defect\":\"D%02d\"," \
                "\"found\":%d}}\n", i, 1 + draw(3), item(draw(40)), 1 + draw(20), 1 + draw(9)
    }
}
