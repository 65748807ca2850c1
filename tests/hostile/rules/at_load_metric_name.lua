-- refused: names a metric as none may be: xdp netflow
-- SPDX-License-Identifier: GPL-2.0-or-later

return { metrics = { ["xdp netflow"] = { type = "gauge", help = "x" } } }
