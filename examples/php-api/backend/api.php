<?php
// An API as there are thousands: one script, told by parameters what to do. No ETag, no If-Match, the last write wins, and
// a GET may delete. It is for the example and its test.
//
//   PHP_CLI_SERVER_WORKERS=4 php -S 127.0.0.1:9000 -t examples/php-api/backend

$store = getenv('RECORDS') ?: sys_get_temp_dir() . '/php-api-records.json';
$action = $_GET['action'] ?? '';
$id = (int) ($_GET['id'] ?? 0); // of id=7&id=8 PHP keeps 8, and (int) makes 7 of "7abc" and of " 7"

$file = fopen($store, 'c+'); // one request at a time
flock($file, LOCK_EX);
$records = json_decode(stream_get_contents($file), true)
    ?: [1 => ['name' => 'Ada', 'city' => 'London'], 7 => ['name' => 'Grace', 'city' => 'New York']];

function answer(int $status, $data): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($data), "\n";
    exit;
}

function keep($file, array $records): void
{
    ftruncate($file, 0);
    rewind($file);
    fwrite($file, json_encode($records, JSON_FORCE_OBJECT));
    fflush($file);
}

// What was sent: JSON, a form, or the rest of the parameters.
function sent(): array
{
    $json = json_decode(file_get_contents('php://input'), true);
    $fields = is_array($json) ? $json : ($_POST ?: array_diff_key($_GET, ['action' => 0, 'id' => 0]));
    return array_map('strval', $fields);
}

switch ($action) {
    case 'list':
        answer(200, array_keys($records));
    case 'get':
        isset($records[$id]) or answer(404, ['error' => 'no such record']);
        answer(200, ['id' => $id] + $records[$id] + ['generated' => microtime(true)]);
    case 'create':
        $id = 1 + max(array_keys($records) ?: [0]);
        $records[$id] = sent();
        keep($file, $records);
        answer(200, ['id' => $id]);
    case 'save': // creates too
        $records[$id] = sent();
        keep($file, $records);
        answer(200, ['ok' => true]);
    case 'delete': // whatever the method
        unset($records[$id]);
        keep($file, $records);
        answer(200, ['ok' => true]);
    case 'admin': // all at once, for whoever finds it
        keep($file, sent() ?: []);
        answer(200, ['ok' => true]);
}
answer(400, ['error' => 'no such action']);
