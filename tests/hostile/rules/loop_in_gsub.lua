-- steps: loops in the replacement of gsub
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	("x"):gsub(".", function() while true do end end)
end)
